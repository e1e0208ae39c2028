using System.Text;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;
using static LogLine.Protocol.Tests.Verification.ForgedLog;

namespace LogLine.Protocol.Tests.Verification;

/// <summary>
/// What a verification finds in a log that was signed as it is: nothing was flipped, no digest is wrong, and yet it says what no gateway may say. One test for each thing that
/// <c>logline ledger verify</c> promises of a log's meaning.
/// </summary>
public sealed class ForgedLogTests
{
    /// <summary>The index of the first entry behind the story that each log begins with.</summary>
    private const int Next = 5;

    private static readonly SigningKey Stranger = SigningKey.FromSeed([.. Enumerable.Repeat((byte)9, 32)]);

    /// <summary>By what was done: how, the first index that does not hold (null: a row beside the log), and what is said of it.</summary>
    private static readonly Dictionary<string, (Action<ForgedLog> Forge, long? Index, string Finding)> Forgeries = new()
    {
        // Entries by themselves.
        ["a name that is there twice"] = (log => log.Add(log[0]), Next, "there is an earlier entry of the name"),
        ["an entry about another span"] = (log => log.Add(Person(), entry => entry with { Hash = Person().Hash }), Next, "(E3)"),
        ["an entry in another spelling"] = (log => log.Add(Person(), bytes: Encoding.UTF8.GetBytes("""{ "env":"dev"}""")), Next, "(E1)"),
        ["a span that calls itself otherwise"] = (log => log.Add(Person(), entry => entry with { This = Person().This! }), Next, "the span calls itself"),

        // Who may sign.
        ["a signature of another key"] = (log => log.Add(Person(Stranger)), Next, "does not verify under the key 'kid_1'"),
        ["an entry that names another signer"] = (log => log.Add(Person(Client), entry => entry with { Kid = "kid_2" }), Next, "the span is signed by 'kid_1', the entry says 'kid_2'"),
        ["a key that nobody registered"] = (log => log.Add(Person(Stranger, "kid_9")), Next, "the key 'kid_9' may not sign for dev"),
        ["a request under a key that nobody registered"] = (log => log.Add(Person(), entry => entry with { Kid = "kid_9" }), Next, "the key 'kid_9' may not sign for dev"),
        ["another tenant's key"] = (log => log.Add(Person(Client), entry => entry with { Tenant = "other" }), Next, "the key 'kid_1' may not sign for other"),
        ["a key that was revoked"] = (log => { log.Revoke(Kid); log.Add(Person(Client)); }, Next + 1, "the key 'kid_1' may not sign for dev"),
        ["a gateway's span under a client's key"] = (log => { log.SignOwn = draft => draft.Sign(Kid, Client); log.Report("run_1", "run_state.failed", 5); }, Next, "'kid_1' is none of its keys"),
        ["a gateway's span without a signature"] = (log => log.Add(Person(), entry => entry with { Principal = "gateway" }), Next, "is none of its keys"),
        ["a gateway's key where it does not sign yet"] = (log => log.Trust = log.Trust with { Keys = [.. log.Trust.Keys.Select(key => key.Use == "span" ? key with { From = 4 } : key)] }, 3, "'span_1' is none of its keys"),
        ["a gateway's key where it signs no more"] = (log => log.Trust = log.Trust with { Keys = [.. log.Trust.Keys.Select(key => key.Use == "span" ? key with { Until = 4 } : key)] }, 4, "'span_1' is none of its keys"),

        // Runs.
        ["a run that ends twice"] = (log => log.Report("run_1", "run_state.failed", 5), Next, "the run run_1 had ended already"),
        ["a run that goes on after its end"] = (log => log.Report("run_1", "run_state.running", 3), Next, "the run run_1 had ended already"),
        ["a run that nobody started"] = (log => log.Report("run_9", "run_state.running", 3), Next, "the run run_9, which no span of this tenant started"),
        ["a run of another tenant"] = (log => { log.Deploy("run_2", log.Prove()); log.Report("run_2", "run_state.exited", 4, tenant: "other"); }, Next + 2, "the run run_2, which no span of this tenant started"),
        ["a row that names another run than the span"] = (log => { log.Deploy("run_2", log.Prove()); log.Report("run_2", "run_state.exited", 4, row: "run_1"); }, Next + 2, "the row says that it is about the run run_1"),

        // Proofs.
        ["a deploy without a proof"] = (log => log.Deploy("run_2", null), Next, "no proof let this deploy through"),
        ["a proof that lets through two deploys"] = (log => log.Deploy("run_2", 1), 2, "no proof let this deploy through"),
        ["a deploy that two proofs let through"] = (log => { var (one, two) = (log.Prove(), log.Prove()); log.Use(two, log.Deploy("run_2", one)); }, null, "which another proof let through as well"),
        ["a proof that came later"] = (log => { log.Use(1, null); log.Use(log.Prove(), 2); }, null, "it let entry 2 through, though it was not there yet"),
        ["a proof that a deny cancelled"] = (log => { var proof = log.Prove(); log.Prove(result: "deny"); log.Deploy("run_2", proof); }, null, "was cancelled, or is a deny"),
        ["a deny that lets something through"] = (log => log.Deploy("run_2", log.Prove(result: "deny")), null, "was cancelled, or is a deny"),
        ["a proof of another subject"] = (log => log.Deploy("run_2", log.Prove("urn:minicontainer:dev/api")), null, "it does not name what entry 6 deployed"),
        ["a proof of another manifest"] = (log => log.Deploy("run_2", log.Prove(more: ""","ref":"mc:dev/web@blake3:11" """)), null, "it does not name what entry 6 deployed"),
        ["a proof of another environment"] = (log => log.Deploy("run_2", log.Prove(more: ""","env":"prd" """)), null, "it does not name what entry 6 deployed"),
        ["a proof that had expired"] = (log => log.Deploy("run_2", log.Prove(), minutes: 11), null, "it does not name what entry 6 deployed"),
        ["a proof that let through what is no deploy"] = (log => { var proof = log.Prove(); log.Use(proof, log.Add(Person())); }, null, "which is no deploy"),

        // Tree and checkpoint.
        ["a checkpoint of another key"] = (log => log.Signer = Stranger, 4, "(N4 to N6)"),
        ["a checkpoint of another root"] = (log => log.Checkpoint = checkpoint => checkpoint with { Root = new byte[32] }, 0, "(C2, C3)"),
        ["a checkpoint of another size"] = (log => log.Checkpoint = checkpoint => checkpoint with { Size = 4 }, 0, "(C2)"),
        ["a checkpoint of another log"] = (log => log.Checkpoint = checkpoint => checkpoint with { Origin = "log.example/other" }, 0, "(C1)"),
        ["a log key where it signs no more"] = (log => log.Trust = log.Trust with { Keys = [.. log.Trust.Keys.Select(key => key.Use == "log" ? key with { Until = 4 } : key)] }, 0, "no key of the log signs checkpoints of that size"),
        ["a tile that is not there"] = (log => { Fill(log); log.Tiles = _ => []; }, null, "the tile is missing (L1)"),
        ["a tile too many"] = (log => log.Tiles = _ => new() { [0] = new byte[TileId.FullBytes] }, null, "a log of 5 entries has no such tile (L1)"),
        ["a tile with another hash"] = (log => { Fill(log); log.Tiles = Spoilt; }, 7, "(L5)"),
        ["a tile that is cut short"] = (log => { Fill(log); log.Tiles = tiles => new() { [0] = tiles[0][..^32] }; }, null, "(L3)"),

        // Head.
        ["a head of another log"] = (log => log.Head = values => ["log.example/other", .. values[1..]], null, "(C1)"),
        ["a head of another size"] = (log => log.Head = values => [values[0], 4L, .. values[2..]], null, "(E4)"),
        ["a head with another frontier"] = (log => log.Head = values => [.. values[..2], new byte[64], values[3]], null, "(T1)"),
        ["a head with a minimum index that no span set"] = (log => { Fill(log); log.Head = values => [.. values[..3], 256L]; }, null, "(K2)"),
        ["a head with a minimum index inside a tile"] = (log => log.Head = values => [.. values[..3], 3L], null, "(K1)"),
    };

    public static TheoryData<string> What => [.. Forgeries.Keys];

    [Fact]
    public void LogThatSaysNothingWrong_IsWhole_AlsoWithATile()
    {
        var log = Story();
        var small = log.Verify();
        Fill(log);
        var large = log.Verify();

        Assert.Equal((null, 5, 4, 1, 4), (small.Finding, small.Entries, small.Signatures, small.Checkpoints, small.Rows));
        Assert.Equal((null, 305), (large.Finding, large.Entries));
    }

    [Theory]
    [MemberData(nameof(What))]
    public void WhatNoGatewayMaySay_IsFound_WithTheFirstIndex(string what)
    {
        var log = Story();
        var (forge, index, finding) = Forgeries[what];

        forge(log);

        var found = log.Verify().Finding;
        Assert.NotNull(found);
        Assert.Contains(finding, found.Message, StringComparison.Ordinal);
        Assert.Equal(index, found.Index);
    }

    /// <summary>A key, a proof that it signed, the deploy that the proof let through, and that it ran and ended.</summary>
    private static ForgedLog Story()
    {
        var log = new ForgedLog();
        log.Register(Kid, Client);
        log.Deploy("run_1", log.Prove());
        log.Report("run_1", "run_state.running", 3);
        log.Report("run_1", "run_state.exited", 4);
        return log;
    }

    private static void Fill(ForgedLog log)
    {
        for (var i = 0; i < 300; i++)
        {
            log.Add(Person());
        }
    }

    /// <summary>Of the first tile the hash of entry 7 is another one.</summary>
    private static SortedDictionary<long, byte[]> Spoilt(SortedDictionary<long, byte[]> tiles)
    {
        tiles[0][7 * MerkleHash.Size] ^= 1;
        return tiles;
    }
}
