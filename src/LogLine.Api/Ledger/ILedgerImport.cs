using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger;

/// <summary>A new, empty place for a ledger that comes from elsewhere. What is not committed leaves nothing behind.</summary>
internal interface ILedgerImport : IAsyncDisposable
{
    /// <summary>Writes the next row; in the order of <see cref="ILedgerStore.RowsAsync"/>.</summary>
    ValueTask WriteAsync(StoredRow row);

    /// <summary>The head, once it is written.</summary>
    ValueTask<LedgerHead> ReadHeadAsync();

    /// <summary>The checkpoint over all of it; null when the log is empty.</summary>
    ValueTask<string?> ReadLastCheckpointAsync();

    /// <summary>Says what the log is called, and by which keys it is signed, from now on.</summary>
    /// <param name="origin">The name.</param>
    /// <param name="note">The checkpoint over all that it holds under that name; null when it has one.</param>
    /// <param name="keys">The keys.</param>
    ValueTask NameAsync(string origin, string? note, ServerKeys keys);

    /// <summary>Makes it a ledger that can be opened.</summary>
    ValueTask CommitAsync();
}
