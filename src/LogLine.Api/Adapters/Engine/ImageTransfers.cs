using System.Text.Json;
using LogLine.Api.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Adapters.Engine;

/// <summary>Images as artifacts, out of the engine and into it, and to a registry.</summary>
internal sealed class ImageTransfers(ImageActs images, EngineClient engine, EngineLimits limits)
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
        var artifact = await call.Artifacts.WriteAsync(
            destination => engine.TransferAsync(HttpMethod.Get, $"/images/{Uri.EscapeDataString(reference)}/get", null, "save an image", limits.Transfer, async (error, stream, inner) =>
            {
                error?.OrThrow();
                await stream.CopyToAsync(destination, inner);
                return true;
            }, cancel), cancel);
        return PrimitiveResult.Of(new ImageSaved(reference, ImageActs.IdOf(image), artifact.Hash.ToString(), artifact.Bytes), ResultJson.Default.ImageSaved);
    }

    async Task<PrimitiveResult> LoadAsync(PrimitiveCall call, CancellationToken cancel)
    {
        var reference = TenantImages.Own(call.Tenant, call.Arguments.Text("tag")!);
        await using var tar = await ContainerCopies.OwnArtifactAsync(call, cancel);
        var archive = await ImageArchive.OpenAsync(tar, call.Artifacts.MaxBytes, cancel);
        await call.Begun();
        using var body = new WrittenContent((stream, inner) => archive.WriteAsync(reference, stream, inner), "application/x-tar");
        // The status is 200 before the loading begins; a failure is a line of the stream.
        var error = await engine.TransferAsync(HttpMethod.Post, "/images/load?quiet=true", body, "load an image", limits.Transfer,
            async (refusal, stream, inner) => refusal?.Error ?? await ErrorAsync(stream, null, inner), cancel);
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
        var reference = ImageReference.Parse(to);
        var held = await engine.FindAsync($"/images/{Uri.EscapeDataString(to)}/json", EngineJson.Default.ImageDetail, "show an image", cancel);
        if (held is not null && held.Id != image.Id)
            throw new AdapterException(AdapterFailure.NameTaken, $"Another image is called '{to}' on this engine.");
        if (held is null)
            await engine.DoAsync($"/images/{image.Id}/tag?repo={Uri.EscapeDataString(reference.Name)}&tag={Uri.EscapeDataString(reference.TagOrDigest)}", "tag an image", cancel);
        try
        {
            await call.Begun();
            var path = $"/images/{Uri.EscapeDataString(reference.Name)}/push?tag={Uri.EscapeDataString(reference.TagOrDigest)}{(await engine.QuirksAsync(cancel)).PushTo(to)}";
            var watch = new PullWatch(call.Progress);
            var error = await engine.TransferAsync(HttpMethod.Post, path, null, "push an image", limits.Transfer, async (refusal, stream, inner) => refusal?.Error ?? await ErrorAsync(stream, watch, inner), cancel);
            if (error is not null)
                throw new AdapterException(AdapterFailure.Refused, $"The image was not pushed to {to}: {error}. (No credentials are sent: this version has none.)");
        }
        finally
        {
            if (held is null)
                await engine.TryDeleteAsync($"/images/{Uri.EscapeDataString(to)}", "untag an image", CancellationToken.None);
        }
        return PrimitiveResult.Of(new ImagePushed(call.Arguments.Text("image")!, to, ImageActs.IdOf(image)), ResultJson.Default.ImagePushed);
    }

    static async Task<string?> ErrorAsync(Stream stream, PullWatch? watch, CancellationToken cancel)
    {
        string? error = null;
        await foreach (var line in JsonSerializer.DeserializeAsyncEnumerable(stream, EngineJson.Default.PullProgress, topLevelValues: true, cancel))
        {
            error = line?.Error ?? error;
            if (watch is not null && line is not null)
                await watch.SeeAsync(line);
        }
        return error;
    }
}
