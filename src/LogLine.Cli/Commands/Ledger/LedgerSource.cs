using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LogLine.Api.Ledger;
using LogLine.Cli.Client;
using LogLine.Protocol.Verification;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>
/// Where the rows of a ledger come from: a data folder, an export, or a gateway. Of the gateway's assembly only the room <c>Ledger</c> is used here, and only by what
/// reads or writes a data folder: no other command loads it.
/// </summary>
internal sealed class LedgerSource : IAsyncDisposable
{
    private const int RowsAhead = 2048;

    private readonly IAsyncDisposable[] _opened;
    private readonly Func<CancellationToken, IAsyncEnumerable<StoredRow>> _rows;

    private LedgerSource(string title, LedgerTrust trust, Func<CancellationToken, IAsyncEnumerable<StoredRow>> rows, params IAsyncDisposable[] opened) =>
        (Title, Trust, _rows, _opened) = (title, trust, rows, opened);

    /// <summary>For people: where the rows come from.</summary>
    public string Title { get; }

    /// <summary>What the log is called, and the keys that the verifier trusts.</summary>
    public LedgerTrust Trust { get; }

    /// <summary>Entries that there were when it was opened; 0 when nobody says.</summary>
    public long Entries { get; private init; }

    /// <summary>What the engine finds wrong with the file itself; null when nothing is, or there is no file.</summary>
    public Func<string?> Damage { get; private init; } = () => null;

    /// <summary>The rows, read on a thread of their own: who verifies them has its own work to do.</summary>
    public IAsyncEnumerable<StoredRow> RowsAsync(CancellationToken stop) => _rows(stop);

    /// <summary>The ledger in a data folder, its gateway running or not.</summary>
    public static Attempt<LedgerSource> OfFolder(string folder, byte[]? logKey)
    {
        try
        {
            var ledger = StoredLedger.Open(folder, logKey);
            return new LedgerSource(folder, ledger.Trust, stop => AheadAsync(ledger.Read(), stop), new Closing(ledger)) { Damage = ledger.Damage, Entries = ledger.Size };
        }
        catch (DataFolderException unreadable)
        {
            return new CommandFailure("file", unreadable.Message);
        }
    }

    /// <summary>A ledger that is open to be pruned; it is closed by whoever opened it.</summary>
    public static LedgerSource OfOpened(string title, LogPruning ledger) => new(title, ledger.Trust, ledger.RowsAsync) { Entries = ledger.Size };

    /// <summary>An export in a file; <c>-</c> is standard input.</summary>
    public static async Task<Attempt<LedgerSource>> OfFileAsync(string path, byte[] logKey, Call call)
    {
        try
        {
            var stream = path == "-" ? call.Shell.Input : new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan | FileOptions.Asynchronous, BufferSize = 0 });
            return await OfTextAsync(path == "-" ? "standard input" : path, stream, logKey, call.Stop, stream);
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return CommandFailure.File(path, defect);
        }
    }

    /// <summary>What a gateway shows to a token of scope <c>ledger:audit</c>.</summary>
    public static async Task<Attempt<LedgerSource>> OfGatewayAsync(GatewayClient gateway, byte[] logKey, CancellationToken stop)
    {
        if ((await gateway.OpenExportAsync(stop)).Fails(out var failure, out var answer))
        {
            return failure;
        }
        var body = await answer.Content.ReadAsStreamAsync(stop);
        return await OfTextAsync(gateway.Host, body, logKey, stop, body, new Closing(answer), new Closing(gateway));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in _opened)
        {
            await opened.DisposeAsync();
        }
    }

    private static async Task<Attempt<LedgerSource>> OfTextAsync(string title, Stream text, byte[] logKey, CancellationToken stop, params IAsyncDisposable[] opened)
    {
        try
        {
            var reader = new ExportReader(text);
            // The text says what the log is called and which keys there were; that it is this log is what the verifier's own key vouches for.
            var (trust, entries) = await reader.ReadHeaderAsync(stop);
            return new LedgerSource(title, trust with { Pinned = logKey }, reader.ReadRowsAsync, opened) { Entries = entries };
        }
        catch (InvalidDataException malformed)
        {
            return new CommandFailure("verification", $"{title}: {malformed.Message}");
        }
    }

    private static async IAsyncEnumerable<StoredRow> AheadAsync(IEnumerable<StoredRow> rows, [EnumeratorCancellation] CancellationToken stop)
    {
        var ahead = Channel.CreateBounded<StoredRow>(new BoundedChannelOptions(RowsAhead) { SingleReader = true, SingleWriter = true });
        using var done = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var reading = Task.Run(
            async () =>
            {
                try
                {
                    foreach (var row in rows)
                    {
                        await ahead.Writer.WriteAsync(row, done.Token);
                    }
                    ahead.Writer.Complete();
                }
                catch (Exception end)
                {
                    ahead.Writer.Complete(end);
                }
            },
            CancellationToken.None);
        try
        {
            await foreach (var row in ahead.Reader.ReadAllAsync(stop))
            {
                yield return row;
            }
        }
        finally
        {
            await done.CancelAsync();
            await reading;
        }
    }

    private sealed class Closing(IDisposable thing) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            thing.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
