using System.Formats.Tar;

namespace LogLine.Api.Artifacts;

/// <summary>What a tar that passed holds.</summary>
/// <param name="Entries">Files, folders and links.</param>
/// <param name="Bytes">What they unpack to.</param>
public sealed record TarSummary(int Entries, long Bytes);

/// <summary>
/// What may be in a tar that goes to or comes from an engine: files, folders and links, each below the place where it is unpacked. An absolute name, a
/// <c>..</c>, a link that leads out, a name that goes through a link, a device, a pipe or a sparse file: refused by name.
/// </summary>
public sealed class TarContents(long maxBytes)
{
    /// <summary>The most entries.</summary>
    public const int MaxEntries = 100_000;

    private const int MaxName = 4096;
    private const int MaxParts = 256;

    // Names are kept until the end, those of links and of an image's parts; honest archives have less than a hundredth of it.
    private const long MaxNames = 32 << 20;

    private readonly HashSet<string> _links = [];
    private int _entries;
    private long _names;
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
            // What holds for all entries is none: git says there which commit it has archived. It goes nowhere.
            if (entry.EntryType != TarEntryType.GlobalExtendedAttributes)
            {
                yield return entry;
            }
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
        _names += entry.Name.Length + entry.LinkName.Length;
        if (_names > MaxNames)
        {
            throw new ArtifactException(ArtifactFailure.TooLarge, $"The names in the archive have more than {MaxNames:N0} characters.");
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
        if (LinkAbove(name) is { } link)
        {
            return $"'{Shown(entry.Name)}' goes through the link '{Shown(link)}'";
        }
        switch (entry.EntryType)
        {
            case TarEntryType.V7RegularFile when entry.Length > 0 && entry.Name.EndsWith('/'):
                return $"'{Shown(entry.Name)}' is a folder with content";
            case TarEntryType.RegularFile when (entry as PaxTarEntry)?.ExtendedAttributes.Keys.Any(key => key.StartsWith("GNU.sparse.", StringComparison.Ordinal)) == true:
                return $"'{Shown(entry.Name)}' is a sparse file; archive it whole (GNU tar: without --sparse)";
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile or TarEntryType.Directory:
                return null;
            case TarEntryType.SymbolicLink:
                _links.Add(name);
                return LinkProblem(name, entry.LinkName) is { } wrong ? $"the link '{Shown(entry.Name)}' {wrong}, to '{Shown(entry.LinkName)}'" : null;
            case TarEntryType.HardLink:
                if (NameProblem(entry.LinkName) is not null)
                {
                    return $"the link '{Shown(entry.Name)}' leads out, to '{Shown(entry.LinkName)}'";
                }
                // It would be the same symbolic link in another place, from where it may lead out.
                var target = Normal(entry.LinkName);
                return (_links.Contains(target) ? target : LinkAbove(target)) is { } through ? $"the hard link '{Shown(entry.Name)}' is one to the link '{Shown(through)}', or goes through it" : null;
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
        catch (Exception defect) when (defect is InvalidDataException or EndOfStreamException or FormatException or NotSupportedException or ArgumentException or OverflowException or InvalidOperationException)
        {
            throw new ArtifactException(ArtifactFailure.Malformed, $"This is no tar, or a broken one: {defect.Message}", defect);
        }
    }

    private static string? NameProblem(string name) =>
        name.Length is 0 or > MaxName ? $"a name of {name.Length} characters"
        : name[0] == '/' ? $"the name '{Shown(name)}' is absolute"
        : name.Split('/').Contains("..") ? $"the name '{Shown(name)}' leads out"
        : name.Any(char.IsControl) ? $"the name '{Shown(name)}' has control characters"
        : name.Contains('\uFFFD') ? $"the name '{Shown(name)}' is not in UTF-8"
        : name.AsSpan().Count('/') >= MaxParts ? $"the name '{Shown(name)}' has more than {MaxParts} parts"
        : null;

    /// <summary>Why a link could lead out of the archive; null when it cannot. One that climbs first stays in folders that are in the archive; one that climbs later may do so from where another link has led it.</summary>
    private static string? LinkProblem(string name, string target)
    {
        const string Out = "leads out";
        if (target.Length is 0 or > MaxName || target[0] == '/' || target.Any(char.IsControl))
        {
            return Out;
        }
        var (depth, isDown) = (name.Count(c => c == '/'), false);
        foreach (var part in target.Split('/').Where(part => part is not ("" or ".")))
        {
            if (part != "..")
            {
                isDown = true;
            }
            else if (isDown)
            {
                return "climbs ('..') after it has gone down, perhaps through another link";
            }
            else if (--depth < 0)
            {
                return Out;
            }
        }
        return target.Contains('\uFFFD') ? "is not in UTF-8" : null;
    }

    /// <summary>A name as whoever unpacks it reads it.</summary>
    public static string Normal(string name) => string.Join('/', name.Split('/').Where(part => part is not ("" or ".")));

    private string? LinkAbove(string name)
    {
        var links = _links.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var slash = name.IndexOf('/'); slash > 0; slash = name.IndexOf('/', slash + 1))
        {
            if (links.Contains(name.AsSpan(0, slash)))
            {
                return name[..slash];
            }
        }
        return null;
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
