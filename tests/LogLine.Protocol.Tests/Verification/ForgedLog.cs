using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;

namespace LogLine.Protocol.Tests.Verification;

/// <summary>
/// A log as somebody writes it who has the gateway's keys and its database. Entries, tiles, checkpoint, digests and head fit together whatever is added, and so do the rows beside the
/// log: what a verification finds is what the test did.
/// </summary>
internal sealed class ForgedLog
{
    public const string Kid = "kid_1";
    public const string Web = "urn:minicontainer:dev/web";

    private const string Origin = "log.example/forged";
    private const string SpanKid = "span_1";

    public static readonly SigningKey Client = SigningKey.FromSeed([.. Enumerable.Repeat((byte)3, 32)]);

    // Places in a row of proofs and of runs.
    private const int UsedAt = 12;
    private const int State = 7;

    private static readonly SigningKey LogKey = SigningKey.FromSeed([.. Enumerable.Repeat((byte)1, 32)]);
    private static readonly SigningKey SpanKey = SigningKey.FromSeed([.. Enumerable.Repeat((byte)2, 32)]);
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly RowTable EntryTable = new("entries", ["idx", "entry", "span", "tenant", "this", "intent", "subject", "run_id"], [0]);
    private static readonly RowTable CheckpointTable = new("checkpoints", ["tree_size", "note"], [0]);
    private static readonly RowTable TileTable = new("tiles", ["level", "idx", "hashes"], [0, 1]);
    private static readonly RowTable KeyTable = new("keys", ["tenant", "kid", "pub", "usage", "status", "until_idx"], [0, 1]);
    private static readonly RowTable RunTable = new("runs", ["run_id", "tenant", "env", "intent", "subject", "span", "created", "state"], [0]);
    private static readonly RowTable HeadTable = new("head", ["id", "origin", "size", "frontier", "minimum"], [0]);

    private static readonly RowTable ProofTable = new(
        "proofs", ["idx", "tenant", "this", "intent", "allow", "subject", "hash", "env", "ref", "target", "plan_digest", "exp", "used_idx", "cancelled_idx"], [0]);

    private readonly List<StoredRow> _entries = [];
    private readonly List<byte[]> _leaves = [];
    private readonly SortedDictionary<string, object?[]> _keys = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, object?[]> _runs = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, object?[]> _proofs = [];

    /// <summary>What the verifier knows of the log.</summary>
    public LedgerTrust Trust { get; set; } = new(Origin, [Key("log", "log_1", LogKey), Key("span", SpanKid, SpanKey)]);

    /// <summary>What the one checkpoint says.</summary>
    public Func<Checkpoint, Checkpoint> Checkpoint { get; set; } = checkpoint => checkpoint;

    /// <summary>Who signs it.</summary>
    public SigningKey Signer { get; set; } = LogKey;

    /// <summary>The full tiles of level 0, by number.</summary>
    public Func<SortedDictionary<long, byte[]>, SortedDictionary<long, byte[]>> Tiles { get; set; } = tiles => tiles;

    /// <summary>The head: origin, size, frontier, minimum index.</summary>
    public Func<object?[], object?[]> Head { get; set; } = values => values;

    /// <summary>How the gateway signs its own spans.</summary>
    public Func<SpanDraft, SpanDocument> SignOwn { get; set; } = draft => draft.Sign(SpanKid, SpanKey);

    /// <summary>A span of a client's; unsigned without a key.</summary>
    public static SpanDocument Span(string intent, string subject, string payload, SigningKey? key = null, string kid = Kid)
    {
        var draft = Draft(intent, subject, payload);
        return key is null ? SpanDocument.View(draft.Build()) : draft.Sign(kid, key);
    }

    /// <summary>A span that changes nothing beside the log.</summary>
    public static SpanDocument Person(SigningKey? key = null, string kid = Kid) => Span("registry.person.create", "urn:registry:person/ana", """{"name":"Ana"}""", key, kid);

    /// <summary>The span at an index.</summary>
    public SpanDocument this[int index] => SpanDocument.View(CanonicalJson.Parse((byte[])_entries[index]["span"]!));

    /// <summary>Appends a span, with the entry that is due to it or another.</summary>
    /// <returns>Its index.</returns>
    public long Add(SpanDocument span, Func<LedgerEntry, LedgerEntry>? change = null, string? runId = null, int minutes = 0, byte[]? bytes = null)
    {
        var entry = new LedgerEntry("dev", span.Hash, span.Signature.Text("kid"), "tok_1", Timestamps.Write(Noon.AddMinutes(minutes)), "dev", span.This!);
        entry = change is null ? entry : change(entry);
        bytes ??= entry.ToUtf8();
        _entries.Add(Row(EntryTable, (long)_entries.Count, bytes, span.Utf8.ToArray(), entry.Tenant, entry.This, span.Intent, span.Subject, runId));
        _leaves.Add(MerkleHash.Leaf(bytes));
        return _entries.Count - 1;
    }

    /// <summary>Registers a key.</summary>
    public void Register(string kid, SigningKey key)
    {
        Add(Span("wallet.key.register", "urn:wallet:dev", $$"""{"kid":"{{kid}}","pub":"{{key.PublicKeyHex}}","usage":["sign"]}"""));
        _keys.Add(kid, ["dev", kid, key.PublicKey.ToArray(), "sign", 0L, null]);
    }

    /// <summary>Revokes a key.</summary>
    public void Revoke(string kid)
    {
        var index = Add(Span("wallet.key.revoke", "urn:wallet:dev", $$"""{"kid":"{{kid}}","reason":"lost"}"""));
        (_keys[kid][4], _keys[kid][5]) = (2L, index);
    }

    /// <summary>Submits a proof; it ends at ten minutes past noon.</summary>
    /// <param name="subject">What may be deployed.</param>
    /// <param name="result">allow or deny.</param>
    /// <param name="more">Further members, each behind a comma.</param>
    public long Prove(string subject = Web, string result = "allow", string more = "")
    {
        var exp = Noon.AddMinutes(10);
        var proof = CanonicalJson.Parse($$"""{"intent":"deploy.allow","subject":"{{subject}}","result":"{{result}}","exp":"{{Timestamps.Write(exp)}}","nonce":"{{_entries.Count}}"{{more}}}""");
        var span = Span("wallet.proof.submit", subject, $$"""{"proof":{{System.Text.Encoding.UTF8.GetString(proof.Utf8.Span)}}}""", Client);
        var index = Add(span);
        _proofs.Add(index, [
            index, "dev", span.This, "deploy.allow", result == "allow" ? 1L : 0L, subject, ContentHash.Of(proof.Utf8.Span), proof.Root.Text("env"), proof.Root.Text("ref"), null, null,
            exp.ToUnixTimeMilliseconds(), null, null,
        ]);
        return index;
    }

    /// <summary>Deploys, and says by which proof; null says by none.</summary>
    public long Deploy(string runId, long? proof, int minutes = 0)
    {
        var span = Span("deploy.apply", Web, """{"ref":"mc:dev/web@blake3:00","target":{"provider":"fake","service":"web"}}""", Client);
        var index = Add(span, runId: runId, minutes: minutes);
        _runs.Add(runId, [runId, "dev", "dev", span.Intent, span.Subject, span.This, Noon.AddMinutes(minutes).ToUnixTimeMilliseconds(), 0L]);
        if (proof is { } used)
        {
            Use(used, index);
        }
        return index;
    }

    /// <summary>What the row of a proof says of its use.</summary>
    public void Use(long proof, long? index) => _proofs[proof][UsedAt] = index;

    /// <summary>The gateway says where a run stands.</summary>
    /// <param name="runId">Which run.</param>
    /// <param name="intent">The span that says so.</param>
    /// <param name="state">As the row has it.</param>
    /// <param name="tenant">Whose run it is said to be.</param>
    /// <param name="row">The run that the row names; that of the span when left out.</param>
    public void Report(string runId, string intent, long state, string tenant = "dev", string? row = null)
    {
        Add(SignOwn(Draft(intent, Web, $$"""{"run_id":"{{runId}}"}""")), entry => entry with { Principal = "gateway", Tenant = tenant }, row ?? runId);
        if (_runs.TryGetValue(runId, out var run))
        {
            run[State] = state;
        }
    }

    /// <summary>Verifies all of it.</summary>
    public AuditReport Verify()
    {
        var audit = new LedgerAudit(Trust);
        foreach (var row in Rows())
        {
            if (audit.Add(row) is not null)
            {
                break;
            }
        }
        return audit.Finish();
    }

    private IEnumerable<StoredRow> Rows()
    {
        var tree = new CompactRange();
        _leaves.ForEach(leaf => tree.Append(leaf));
        var checkpoint = Checkpoint(new Checkpoint(Origin, tree.Size, tree.Root()));
        var full = _leaves.Chunk(TileId.FullWidth).Where(tile => tile.Length == TileId.FullWidth).Select((tile, index) => ((long)index, tile.SelectMany(leaf => leaf).ToArray()));
        return
        [
            .. Tiles(new(full.ToDictionary(tile => tile.Item1, tile => tile.Item2))).Select(tile => Row(TileTable, 0L, tile.Key, tile.Value)),
            Row(CheckpointTable, tree.Size, SignedNote.Sign(checkpoint.Body, checkpoint.Origin, Signer)),
            .. _entries,
            .. _keys.Values.Select(values => Row(KeyTable, values)),
            .. _proofs.Values.Select(values => Row(ProofTable, values)),
            .. _runs.Values.Select(values => Row(RunTable, values)),
            Row(HeadTable, [1L, .. Head([Origin, tree.Size, tree.Hashes.SelectMany(hash => hash).ToArray(), 0L])]),
        ];
    }

    private static SpanDraft Draft(string intent, string subject, string payload) => new()
    {
        Intent = intent, Subject = subject, EntityType = "function", Actor = "usr_1", Ts = Noon,
        Payload = json =>
        {
            foreach (var member in CanonicalJson.Parse(payload).Root.EnumerateObject())
            {
                member.WriteTo(json);
            }
        },
    };

    private static StoredRow Row(RowTable table, params object?[] values)
    {
        var row = new StoredRow(table, values, null);
        return RowDigest.IsNeeded(table.Name) ? row with { Digest = RowDigest.Of(row) } : row;
    }

    private static LedgerKey Key(string use, string kid, SigningKey key) => new(use, kid, key.PublicKey.ToArray(), Origin, 0, null);
}
