using System.Text;
using LogLine.Protocol.Merkle;

namespace LogLine.Api.Ledger;

/// <summary>
/// The last checkpoint that anybody can have seen, kept in a file of its own beside the database: <c>DATA/published</c>. Whoever puts an older database into the folder
/// would go on at a place where the log has gone on already, with other entries: a fork. A start that finds itself behind this file, or beside it, is refused
/// (contract, section 9).
/// </summary>
/// <remarks>
/// It is written after each commit and before anybody is answered, in place, and not flushed: a killed process leaves it as it wrote it, and after a power failure it may
/// be some checkpoints old, which is still a bound. It is no proof against somebody who removes it; witnesses are for that.
/// </remarks>
/// <param name="path">The file; null: another process keeps it, and nothing is noted here.</param>
/// <param name="logger">For what an operator should know.</param>
public sealed class PublishedCheckpoint(string? path, ILogger logger) : IDisposable
{
    // A note with two keys under the longest origin takes less, so each write covers all of the one before.
    private const int Room = 2048;

    private FileStream? _file;
    private bool _failed;

    /// <summary>Notes a checkpoint. What fails is logged once: the file is then some checkpoints old, as after a power failure.</summary>
    public void Note(string note)
    {
        if (path is null)
        {
            return;
        }
        Span<byte> room = stackalloc byte[Room];
        room[Encoding.UTF8.GetBytes(note, room)..].Fill((byte)'\n');
        try
        {
            _file ??= new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
            RandomAccess.Write(_file.SafeFileHandle, room, 0);
            _failed = false;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            if (!_failed)
            {
                logger.LogWarning("{Path} was not written: {Reason}", path, defect.Message);
            }
            _failed = true;
        }
    }

    /// <summary>Why a log must not go on from where it stands, or null.</summary>
    /// <param name="path">The file; a log that was never asked for a checkpoint has none. Null: it is not this process's to look at.</param>
    /// <param name="tree">What the database holds.</param>
    /// <param name="origin">What the log is called.</param>
    /// <param name="keys">Its keys.</param>
    internal static string? Contradiction(string? path, TreeSnapshot tree, string origin, ServerKeys keys)
    {
        if (Read(path) is not { } note)
        {
            return null;
        }
        if (!SignedNote.TryParse(note, out var body, out _) || !Checkpoint.TryParse(body, out var published) || !SignedNote.TryVerifyAny(note, origin, keys.LogKeysAt(published.Size), out _))
        {
            return $"{path} does not hold a checkpoint of the log {origin} under its key";
        }
        if (published.Size > tree.Size)
        {
            return $"the database holds {tree.Size} entries, but {path} shows that {published.Size} have been published: it is older than the log";
        }
        return tree.RootAt(published.Size).AsSpan().SequenceEqual(published.Root)
            ? null
            : $"the first {published.Size} entries of the database are not those that have been published ({path}): it is a fork of the log";
    }

    /// <summary>Entries of the checkpoint in the file; null when there is none.</summary>
    internal static long? SizeIn(string? path) =>
        Read(path) is { } note && SignedNote.TryParse(note, out var body, out _) && Checkpoint.TryParse(body, out var published) ? published.Size : null;

    /// <summary>The note in the file, or null when there is none.</summary>
    public static string? Read(string? path)
    {
        if (!File.Exists(path))
        {
            return null;
        }
        var text = File.ReadAllText(path).TrimEnd('\n');
        return text.Length == 0 ? null : text + "\n";
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
