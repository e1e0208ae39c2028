using System.Formats.Tar;

namespace LogLine.Api.Artifacts;

/// <summary>What a tar that passed holds.</summary>
/// <param name="Entries">Files, folders and links.</param>
/// <param name="Bytes">What they unpack to.</param>
public sealed record TarSummary(int Entries, long Bytes);

/// <summary>
/// What may be in a tar that goes to or comes from an engine: files, folders and links, each below the place where it is unpacked. An absolute name, a
/// <c>..</c>, a link that leads out, a name that goes through a link, a device or a pipe: refused by name.
/// </summary>
public sealed class TarContents(long maxBytes)
{
    /// <summary>The most entries.</summary>
    public const int MaxEntries = 100_000;

    private const int MaxName = 4096;

    private readonly HashSet<string> _links = [];
    private int _entries;
    private long _bytes;

    /// <summary>What was counted so far.</summary>
    public TarSummary Summary => new(_entries, _bytes);

    /// <summary>Reads a whole tar and judges every entry.</summary>
    /// <param name="tar">From its beginning.</param>
    /// <param name="maxBytes">What it may unpack to.</param>
    /// <param name="look">Sees every entry that passed, its data unread; may be null.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ArtifactException">It is no tar, too large, or something in it is not allowed.</exception>
    public static async Task<TarSummary> CheckAsync(Stream tar, long maxBytes, Func<TarEntry, Task>? look, CancellationToken cancel)
    {
        var contents = new TarContents(maxBytes);
        await foreach (var entry in ReadAsync(tar, cancel))
        {
            if (contents.Problem(entry) is { } problem)
            {
                throw new ArtifactException(ArtifactFailure.Malformed, $"The archive cannot be used: {problem}.");
            }
            if (look is not null)
            {
                await look(entry);
            }
        }
        return contents.Summary;
    }

    /// <summary>The entries of a tar, as they come.</summary>
    /// <exception cref="ArtifactException">It is no tar.</exception>
    public static async IAsyncEnumerable<TarEntry> ReadAsync(Stream tar, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await using var reader = new TarReader(new ModestStream(tar), leaveOpen: true);
        while (await NextAsync(reader, cancel) is { } entry)
        {
            yield return entry;
        }
    }

    /// <summary>Why an entry may not pass, or null; what passes is counted.</summary>
    /// <exception cref="ArtifactException">There are too many, or they are too large.</exception>
    public string? Problem(TarEntry entry)
    {
        if (++_entries > MaxEntries)
        {
            throw new ArtifactException(ArtifactFailure.TooLarge, $"The archive has more than {MaxEntries:N0} entries.");
        }
        _bytes += entry.Length;
        if (_bytes > maxBytes)
        {
            throw new ArtifactException(ArtifactFailure.TooLarge, $"The archive unpacks to more than {maxBytes:N0} bytes.");
        }
        if (NameProblem(entry.Name) is { } problem)
        {
            return problem;
        }
        var name = Normal(entry.Name);
        if (Parents(name).FirstOrDefault(_links.Contains) is { } link)
        {
            return $"'{Shown(entry.Name)}' goes through the link '{Shown(link)}'";
        }
        switch (entry.EntryType)
        {
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile or TarEntryType.Directory:
                return null;
            case TarEntryType.SymbolicLink:
                _links.Add(name);
                return LeadsOut(name, entry.LinkName) ? $"the link '{Shown(entry.Name)}' leads out, to '{Shown(entry.LinkName)}'" : null;
            case TarEntryType.HardLink:
                if (NameProblem(entry.LinkName) is not null)
                {
                    return $"the link '{Shown(entry.Name)}' leads out, to '{Shown(entry.LinkName)}'";
                }
                // It would be the same symbolic link in another place, from where it may lead out.
                var target = Normal(entry.LinkName);
                return Parents(target).Append(target).FirstOrDefault(_links.Contains) is { } through ? $"the hard link '{Shown(entry.Name)}' is one to the link '{Shown(through)}', or goes through it" : null;
            default:
                return $"'{Shown(entry.Name)}' is neither file nor folder nor link ({entry.EntryType})";
        }
    }

    private static async ValueTask<TarEntry?> NextAsync(TarReader reader, CancellationToken cancel)
    {
        try
        {
            return await reader.GetNextEntryAsync(copyData: false, cancel);
        }
        catch (Exception defect) when (defect is InvalidDataException or EndOfStreamException or FormatException or NotSupportedException or ArgumentException)
        {
            throw new ArtifactException(ArtifactFailure.Malformed, $"This is no tar, or a broken one: {defect.Message}", defect);
        }
    }

    private static string? NameProblem(string name) =>
        name.Length is 0 or > MaxName ? $"a name of {name.Length} characters"
        : name[0] == '/' ? $"the name '{Shown(name)}' is absolute"
        : name.Split('/').Contains("..") ? $"the name '{Shown(name)}' leads out"
        : name.Any(char.IsControl) ? $"the name '{Shown(name)}' has control characters"
        : null;

    /// <summary>True when a link, followed from where it stands, leaves the archive.</summary>
    private static bool LeadsOut(string name, string target)
    {
        if (target.Length == 0 || target[0] == '/' || target.Any(char.IsControl))
        {
            return true;
        }
        var depth = name.Count(c => c == '/');
        foreach (var part in target.Split('/'))
        {
            depth += part switch { "" or "." => 0, ".." => -1, _ => 1 };
            if (depth < 0)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>A name as whoever unpacks it reads it.</summary>
    public static string Normal(string name) => string.Join('/', name.Split('/').Where(part => part is not ("" or ".")));

    private static IEnumerable<string> Parents(string name)
    {
        for (var slash = name.IndexOf('/'); slash > 0; slash = name.IndexOf('/', slash + 1))
        {
            yield return name[..slash];
        }
    }

    private static string Shown(string name) => new([.. (name.Length <= 96 ? name : name[..93] + "…").Select(c => char.IsControl(c) ? '\uFFFD' : c)]);

    /// <summary>The base library reads an extended header whole, whatever size it claims to have. Nothing honest is read in pieces this large.</summary>
    private sealed class ModestStream(Stream inner) : Stream
    {
        private const int MostAtOnce = 1 << 20;

        public override bool CanRead => true;

        public override bool CanSeek => inner.CanSeek;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => inner.Position = value; }

        public override int Read(Span<byte> buffer) => inner.Read(Modest(buffer.Length) ? buffer : default);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(Modest(buffer.Length) ? buffer : default, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private static bool Modest(int length) => length <= MostAtOnce ? true : throw new InvalidDataException("a header of more than 1 MiB");
    }
}
