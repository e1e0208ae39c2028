using LogLine.Api.Ledger;
using LogLine.Protocol.Merkle;

namespace LogLine.Api.Delivery.Witnesses;

/// <summary>
/// Asks the configured witnesses to cosign the log's newest checkpoint, round after round, beside everything else: no Ack ever waits for one. All witnesses that are
/// due are asked for the same checkpoint, at once; what a quorum has cosigned is published and kept in <c>cosigned.note</c>, so that it is there after a restart.
/// </summary>
internal sealed class WitnessRounds : BackgroundService
{
    private readonly SpanLedger _ledger;
    private readonly TimeProvider _time;
    private readonly ILogger<WitnessRounds> _logger;
    private readonly WitnessOptions _options;
    private readonly string _file;
    private readonly Lock _lines = new();
    private string _note = "";
    private int _cosignatures;
    private CosignedCheckpoint? _published;

    /// <exception cref="WitnessOptionsException">The configuration names no witnesses that could be asked.</exception>
    /// <exception cref="DataFolderException">The ledger is behind what was published of it, or another one.</exception>
    public WitnessRounds(SpanLedger ledger, DataFolder folder, WitnessOptions options, TimeProvider time, ILogger<WitnessRounds> logger)
    {
        (_ledger, _options, _time, _logger) = (ledger, options, time, logger);
        Witnesses = options.Read();
        _file = Path.Combine(folder.Path, "cosigned.note");
        _published = CosignedCheckpoint.Restore(_file, ledger, Witnesses, Needed);
    }

    /// <summary>Whom it asks.</summary>
    public IReadOnlyList<WitnessState> Witnesses { get; }

    /// <summary>How many cosignatures <c>/tlog/checkpoint</c> waits for.</summary>
    public int Quorum => _options.Quorum;

    /// <summary>The newest checkpoint that the quorum has cosigned (with a quorum of 0: anybody); null when there is none yet.</summary>
    public CosignedCheckpoint? Cosigned => Volatile.Read(ref _published);

    private int Needed => Math.Max(1, _options.Quorum);

    protected override async Task ExecuteAsync(CancellationToken stop)
    {
        if (Witnesses.Count == 0)
        {
            return;
        }
        using var client = new WitnessClient(_options.Timeout);
        try
        {
            while (true)
            {
                await DueAsync(stop);
                var head = _ledger.Head;
                Begin(head.Seal!.Note);
                var now = _time.GetTimestamp();
                await Task.WhenAll(Witnesses.Where(witness => witness.Size < head.Tree.Size && witness.NotBefore <= now).Select(witness => AskAsync(client, witness, head, stop)));
                await Task.Delay(_options.Interval, _time, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    /// <summary>Completes when there is a witness to be asked: one that is behind, and not in the pause after a failure.</summary>
    private async Task DueAsync(CancellationToken stop)
    {
        while (true)
        {
            var size = _ledger.Size;
            var behind = Witnesses.Where(witness => witness.Size < size).ToList();
            if (behind.Count == 0)
            {
                await _ledger.WaitForMoreAsync(size, stop);
                continue;
            }
            var pause = _time.GetElapsedTime(_time.GetTimestamp(), behind.Min(witness => witness.NotBefore));
            if (pause <= TimeSpan.Zero)
            {
                return;
            }
            await Task.Delay(pause, _time, stop);
        }
    }

    private async Task AskAsync(WitnessClient client, WitnessState witness, CommittedTree head, CancellationToken stop)
    {
        var (note, size) = (head.Seal!.Note, head.Tree.Size);
        var reply = await client.AskAsync(witness, Request(witness.Size), stop);
        if (reply.OtherSize is { } known && known <= size && known != witness.Size)
        {
            // It has seen this log before this process did.
            reply = await client.AskAsync(witness, Request(known), stop);
        }
        if (reply.Cosignature is { } line)
        {
            witness.Succeed(size);
            Add(note, line, head);
            return;
        }
        var wasKnown = witness.Standing == reply.Standing && witness.Reason == reply.Reason;
        witness.Fail(reply.Standing, reply.Reason, _time);
        if (!wasKnown)
        {
            _logger.Log(reply.Standing == WitnessStanding.Disagrees ? LogLevel.Error : LogLevel.Warning,
                "Witness {Witness} does not cosign the checkpoint of {Size} entries: {Reason}.", witness.Name, size, reply.Reason);
        }

        AddCheckpoint Request(long from) => new(from, head.Tree.ConsistencyProof(from, size), note);
    }

    /// <summary>A round for the same checkpoint as the last one keeps the cosignatures that there are.</summary>
    private void Begin(string note)
    {
        lock (_lines)
        {
            if (!_note.StartsWith(note, StringComparison.Ordinal))
            {
                (_note, _cosignatures) = (note, 0);
            }
        }
    }

    private void Add(string note, string line, CommittedTree head)
    {
        lock (_lines)
        {
            if (!_note.StartsWith(note, StringComparison.Ordinal) || !SignedNote.TryAddLine(_note, line, out var cosigned))
            {
                return;
            }
            (_note, _cosignatures) = (cosigned, _cosignatures + 1);
            if (_cosignatures < Needed)
            {
                return;
            }
            try
            {
                PrivateFile.Write(_file, cosigned);
            }
            catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
            {
                _logger.LogWarning(defect, "The cosigned checkpoint of {Size} entries is not kept: after a restart it has to be cosigned again.", head.Tree.Size);
            }
            Volatile.Write(ref _published, new CosignedCheckpoint(cosigned, head.Tree.Size, _cosignatures));
        }
    }
}
