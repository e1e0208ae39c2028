using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Images as artifacts, out of the engine and into it, and to a registry.</summary>
internal sealed class ImageTransfers(ImageActs images, IContainerEngine engine)
{
    public IReadOnlyDictionary<string, Primitive> Table => new Dictionary<string, Primitive>
    {
        ["image.save"] = SaveAsync,
        ["image.load"] = LoadAsync,
        ["image.push"] = PushAsync,
    };

    async Task<PrimitiveResult> SaveAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var image = await images.FindAsync(call, cancel);
        var reference = call.Arguments.Text("image")!;
        await call.Begun();
        var artifact = await call.Artifacts.WriteAsync(destination => engine.SaveAsync(TenantImages.Visible(call.Tenant, reference), destination, cancel), cancel);
        return PrimitiveResult.Of(new ImageSaved(reference, ImageActs.IdOf(image), artifact.Hash.ToString(), artifact.Bytes), ResultJson.Default.ImageSaved);
    }

    async Task<PrimitiveResult> LoadAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var reference = TenantImages.Own(call.Tenant, call.Arguments.Text("tag")!);
        await using var tar = await ContainerCopies.OwnArtifactAsync(call, cancel);
        var archive = await ImageArchive.OpenAsync(tar, call.Artifacts.MaxBytes, cancel);
        await call.Begun();
        var error = await engine.LoadAsync((stream, inner) => archive.WriteAsync(reference, stream, inner), cancel);
        if (error is not null)
            throw new AdapterException(AdapterFailure.Refused, $"The engine did not load the image: {error}");
        return ImageActs.ResultOf(call, await images.FindAsync(call, cancel, reference));
    }

    /// <summary>
    /// Sends an image under a name of a registry's. The engine pushes what has that name, so for that while the image has it; a name that another image
    /// has already is left alone.
    /// </summary>
    async Task<PrimitiveResult> PushAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var image = await images.FindAsync(call, cancel);
        var to = call.Arguments.Text("to")!;
        var full = TenantImages.Visible(call.Tenant, to);
        using var turn = await images.NameTurnAsync(full, cancel);
        // Another worker that gave it the name may take that back in the middle: then it is given anew.
        var (error, isShared) = await SentAsync(call, image, full, cancel);
        if (error is not null && isShared && await engine.FindImageAsync(full, cancel) is null)
            (error, _) = await SentAsync(call, image, full, cancel);
        if (error is not null)
            throw new AdapterException(AdapterFailure.Refused, $"The image was not pushed to {to}: {error}");
        return PrimitiveResult.Of(new ImagePushed(call.Arguments.Text("image")!, to, ImageActs.IdOf(image)), ResultJson.Default.ImagePushed);
    }

    /// <summary>Why it was not sent, or null; and whether it had the name before.</summary>
    async Task<(string? Error, bool IsShared)> SentAsync(PrimitiveCall call, ImageDetail image, string full, CancellationToken cancel)
    {
        var (reference, held) = (ImageReference.Parse(full), await engine.FindImageAsync(full, cancel));
        if (held is not null && held.Id != image.Id)
            throw new AdapterException(AdapterFailure.NameTaken, $"Another image is called '{full}' on this engine.");
        await call.Begun();
        if (held is null)
            await engine.TagAsync(image.Id, reference, cancel);
        try
        {
            return (await engine.PushAsync(reference, new PullWatch(call.Progress), cancel), held is not null);
        }
        finally
        {
            if (held is null)
                await engine.UntagAsync(full, CancellationToken.None);
        }
    }
}
