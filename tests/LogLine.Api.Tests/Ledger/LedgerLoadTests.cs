using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Ledger;

public sealed class LedgerLoadTests
{
    [Fact]
    public async Task TwoThousandSpansAtOnce_HaveContiguousIndexes_AndReceiptsThatVerify()
    {
        await using var gateway = await TestGateway.StartAsync();
        var answers = new Answer[2000];
        await Parallel.ForEachAsync(Enumerable.Range(0, answers.Length), new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = TestContext.Current.CancellationToken },
            async (i, _) => answers[i] = await gateway.PostAsync(GatewayActs.Person("p" + i)));

        var key = Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey);
        Assert.All(answers, answer =>
        {
            Assert.Null(Receipt.TryRead(answer.Json, out var receipt));
            Assert.Null(receipt.Verify(key, origin: gateway.Ledger.Origin));
        });
        Assert.Equal(Enumerable.Range(0, answers.Length), answers.Select(answer => answer.Json.GetProperty("receipt").GetProperty("log_index").GetInt32()).Order());
        await AssertWholeLogAsync(gateway.Ledger);
    }

    [Fact]
    public async Task EveryEntry_IsIncluded_AndEveryCheckpointExtendsTheOneBefore()
    {
        await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()])).RegisterKeyAsync();
        var reference = await gateway.ApplyAsync("web");
        await gateway.ProveAsync("web");
        await gateway.PostAsync(TestGateway.Deploy(reference), request => request.Set("Prefer", "wait=30"));
        await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 100).Select(i => GatewayActs.Person("p" + i))) + "]");
        var before = gateway.Ledger.Size;
        await gateway.PostAsync("{");
        await gateway.SpansFromAsync(before, 1); // recorded by itself: nothing is on its way any more

        await AssertWholeLogAsync(gateway.Ledger);
    }

    [Fact]
    public async Task FullQueue_IsBusy_WithRetryAfter_AndTheSameRequestSucceedsLater()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:QueueLength"] = "2" });
        using var other = new SqliteSession(Path.Combine(gateway.Folder, "ledger.db"), readOnly: false);
        other.Script("BEGIN IMMEDIATE"); // the writer waits for this lock, and everybody behind it

        var sent = Enumerable.Range(0, 12).Select(i => gateway.PostAsync(GatewayActs.Person("p" + i), request => request.Set("Idempotency-Key", "k" + i))).ToList();
        var busy = await await Task.WhenAny(sent);
        other.Script("ROLLBACK");
        var answers = await Task.WhenAll(sent);

        Assert.Equal(("503_BUSY", HttpStatusCode.ServiceUnavailable), (busy.Code, busy.Status));
        Assert.True(busy.Headers.RetryAfter!.Delta > TimeSpan.Zero);
        Assert.True(busy.Json.GetProperty("retryable").GetBoolean());
        Assert.All(answers, answer => Assert.True(answer.Status == HttpStatusCode.OK || answer.Code == "503_BUSY", answer.Body));
        for (var i = 0; i < answers.Length; i++)
        {
            var again = await gateway.PostAsync(GatewayActs.Person("p" + i), request => request.Set("Idempotency-Key", "k" + i));
            Assert.Equal(HttpStatusCode.OK, again.Status);
            Assert.Equal(answers[i].Status == HttpStatusCode.OK, again.Json.GetProperty("replayed").GetBoolean());
        }
        await AssertWholeLogAsync(gateway.Ledger);
    }

    [Fact]
    public async Task TooManyForOneArray_AreBusyAsAWhole()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:QueueLength"] = "1" });
        using var other = new SqliteSession(Path.Combine(gateway.Folder, "ledger.db"), readOnly: false);
        other.Script("BEGIN IMMEDIATE");

        var sent = Enumerable.Range(0, 6).Select(i => gateway.PostAsync($"[{GatewayActs.Person("a" + i)},{GatewayActs.Person("b" + i)}]")).ToList();
        var busy = await await Task.WhenAny(sent);
        other.Script("ROLLBACK");
        await Task.WhenAll(sent);

        Assert.Equal(("503_BUSY", HttpStatusCode.ServiceUnavailable), (busy.Code, busy.Status));
    }

    /// <summary>Reads the whole log and recomputes it by the definition, without a tree of ours.</summary>
    private static async Task AssertWholeLogAsync(SpanLedger ledger)
    {
        // The checkpoint first: refusals are still being recorded behind it.
        var key = Convert.FromHexString(ledger.Identity.LogPublicKey);
        Assert.True(SignedNote.TryVerify(ledger.Checkpoint, ledger.Origin, key, out var body, out _));
        Assert.True(Checkpoint.TryParse(body, out var last));
        var entries = await ledger.Store.ReadEntriesAsync(0, (int)last.Size);
        Assert.Equal(last.Size, entries.Count);
        Assert.Equal(Enumerable.Range(0, entries.Count).Select(i => (long)i), entries.Select(entry => entry.Index));
        var leaves = entries.Select(entry => MerkleHash.Leaf(entry.Entry)).ToArray();
        Assert.Equal(Root(leaves), last.Root);
        foreach (var entry in entries)
        {
            Assert.True(LedgerEntry.TryParse(CanonicalJson.Parse(entry.Entry).Root, out var parsed));
            Assert.Equal(parsed.Hash, SpanDocument.View(CanonicalJson.Parse(entry.Span)).Hash);
            Assert.Null((await ledger.ReceiptOfAsync(entry)).Verify(key, entry.Span, ledger.Origin));
        }
        for (long size = 1; size <= entries.Count; size++)
        {
            if (await ledger.Store.ReadCheckpointAsync(size) is { } note)
            {
                Assert.True(SignedNote.TryVerify(note, ledger.Origin, key, out var text, out _) && Checkpoint.TryParse(text, out var signed)
                    && signed.Root.AsSpan().SequenceEqual(Root(leaves.AsSpan(0, (int)size))), $"checkpoint {size}");
            }
        }
    }

    /// <summary>RFC 9162, section 2.1.1, as it is written there.</summary>
    private static byte[] Root(ReadOnlySpan<byte[]> leaves)
    {
        if (leaves.Length == 1)
        {
            return leaves[0];
        }
        var split = 1;
        while (split * 2 < leaves.Length)
        {
            split *= 2;
        }
        return System.Security.Cryptography.SHA256.HashData([1, .. Root(leaves[..split]), .. Root(leaves[split..])]);
    }
}
