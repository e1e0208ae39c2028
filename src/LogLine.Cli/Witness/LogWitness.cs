using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;

namespace LogLine.Cli.Witness;

/// <summary>What the witness answers to one request.</summary>
/// <param name="Verdict">Which status it is.</param>
/// <param name="Text">The cosignature line; for <see cref="WitnessVerdict.OtherSize"/> the size; else empty.</param>
internal readonly record struct WitnessAnswer(WitnessVerdict Verdict, string Text);

/// <summary>
/// A witness of some logs: cosigns what extends the last checkpoint that it cosigned, one request after the other, so that no two of them are judged by the same
/// record. The record is on the disk before the cosignature leaves.
/// </summary>
/// <param name="name">The witness's name, the key name of its cosignatures.</param>
/// <param name="key">Its key.</param>
/// <param name="logs">Public keys of the watched logs, by origin.</param>
/// <param name="record">What it cosigned last.</param>
/// <param name="time">The clock that cosignatures are dated by.</param>
internal sealed class LogWitness(string name, SigningKey key, IReadOnlyDictionary<string, IReadOnlyList<byte[]>> logs, WitnessRecord record, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    public string Name => name;

    public string VerifierKey => Cosignature.VerifierKey(name, key.PublicKey);

    /// <summary>Origins of the logs that it watches.</summary>
    public IEnumerable<string> Origins => logs.Keys;

    /// <summary>Judges, records and cosigns.</summary>
    /// <exception cref="IOException">The record cannot be written; nothing was cosigned.</exception>
    public async Task<WitnessAnswer> AddAsync(string text, CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            var verdict = WitnessRules.Judge(text, logs.GetValueOrDefault, record.Latest, out var request, out var checkpoint);
            return verdict switch
            {
                WitnessVerdict.Cosign => new WitnessAnswer(verdict, Cosign(request!.Note, checkpoint!)),
                WitnessVerdict.OtherSize => new WitnessAnswer(verdict, FormattableString.Invariant($"{record.Latest(checkpoint!.Origin)?.Size ?? 0}")),
                _ => new WitnessAnswer(verdict, ""),
            };
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The last cosigned checkpoint of a watched log, or null.</summary>
    public async Task<string?> LatestAsync(string origin, CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            return record.Note(origin);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _turn.Dispose();
        record.Dispose();
        key.Dispose();
    }

    private string Cosign(string note, Checkpoint checkpoint)
    {
        // Of the lines that came along only the log's own were verified; nothing else is kept.
        var ids = logs[checkpoint.Origin].Select(logKey => SignedNote.KeyId(checkpoint.Origin, logKey)).ToHashSet();
        var kept = SignedNote.Select(note, line => line.KeyName == checkpoint.Origin && ids.Contains(line.KeyId), out var body);
        var cosignature = Cosignature.Line(body, name, key, time.GetUtcNow().ToUnixTimeSeconds());
        if (!SignedNote.TryAddLine(kept, cosignature, out var cosigned))
        {
            throw new IOException("The note has no room for a cosignature.");
        }
        record.Store(cosigned, checkpoint);
        return cosignature;
    }
}
