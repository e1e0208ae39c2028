using LogLine.Api.Artifacts;

namespace LogLine.Api.Runs;

/// <summary>Artifacts that are kept in this process's own store. What a run has written is kept when the ledger answers: nobody would make it again.</summary>
internal sealed class KeptArtifacts(ArtifactDesk desk, ArtifactActor actor, TimeProvider time) : RunArtifacts
{
    /// <inheritdoc/>
    public override long MaxBytes => desk.Store.Options.MaxBytes;

    /// <inheritdoc/>
    public override Task<FileStream?> OpenReadAsync(string? name, CancellationToken cancel) =>
        Task.FromResult(ArtifactHash.TryParse(name, out var hash) ? desk.Store.OpenRead(actor.Tenant, hash) : null);

    /// <inheritdoc/>
    public override async Task<StoredArtifact> WriteAsync(Func<Stream, Task> write, CancellationToken cancel)
    {
        await using var writer = desk.Store.Create(actor.Tenant);
        await using (var buffered = new BufferedStream(writer, 128 * 1024))
        {
            await write(buffered);
            await buffered.FlushAsync(cancel);
            var hash = writer.Seal();
            return (await Absence.OutlastAsync(() => desk.KeepAsync(writer, hash, actor, cancel), time, cancel)).Artifact;
        }
    }
}
