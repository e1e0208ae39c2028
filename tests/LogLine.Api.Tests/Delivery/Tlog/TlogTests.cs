using System.Net;
using System.Net.Sockets;
using System.Text;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Delivery.Tlog;

/// <summary>The log as C2SP tlog-tiles (docs/transparency.md), read by somebody who knows the specifications only.</summary>
public sealed class TlogTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task LogOfRandomSizes_IsRebuiltFromTiles_AndGivesTheProofsOfTheReceipts(int seed)
    {
        var random = new Random(seed);
        await using var gateway = await TestGateway.StartAsync();
        using var anybody = Anonymous(gateway);
        var key = Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey);
        var receipts = new List<Receipt>();
        for (var round = 0; round < 9; round++)
        {
            // Around the first full tile as well as anywhere.
            var count = round == 4 ? Math.Max(1, 256 - (int)(gateway.Ledger.Size % 256)) : random.Next(1, 101);
            receipts.AddRange(await FillAsync(gateway, count));
            var reader = await TlogReader.ReadAsync(anybody, key);

            Assert.Equal((gateway.Ledger.Size, gateway.Ledger.Origin), (reader.Size, reader.Origin));
            foreach (var receipt in receipts)
            {
                Assert.Equal(reader.Leaf((int)receipt.LogIndex), MerkleHash.Leaf(receipt.Entry.ToUtf8()));
                Assert.Equal(reader.Root((int)receipt.TreeSize), receipt.RootHash);
                Assert.Equal(reader.InclusionProof((int)receipt.LogIndex, (int)receipt.TreeSize), receipt.InclusionProof);
            }
            var (from, to) = (random.Next(1, reader.Size + 1), reader.Size);
            var answer = await gateway.GetAsync($"/v1/ledger/consistency?from={from}&to={to}");
            Assert.Null(LogConsistency.TryRead(answer.Json, out var proof));
            Assert.Equal(reader.ConsistencyProof(from, to), proof.Hashes);
        }
        Assert.True(gateway.Ledger.Size > 256);
    }

    [Fact]
    public async Task Tile_IsImmutable_AndHasItsLengthWithoutItsBody()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var anybody = Anonymous(gateway);
        await FillAsync(gateway, 100);
        await FillAsync(gateway, 100);
        await FillAsync(gateway, 100);

        foreach (var (path, length) in new[] { ("/tlog/tile/0/000", 8192), ("/tlog/tile/0/001.p/44", 44 * 32), ("/tlog/tile/0/000.p/7", 7 * 32), ("/tlog/tile/1/000.p/1", 32) })
        {
            using var get = await anybody.GetAsync(path, Cancel);
            Assert.Equal((HttpStatusCode.OK, "application/octet-stream", length), (get.StatusCode, get.Content.Headers.ContentType!.MediaType, (await get.Content.ReadAsByteArrayAsync(Cancel)).Length));
            Assert.Equal("public, max-age=31536000, immutable", get.Headers.CacheControl!.ToString());

            using var head = await anybody.SendAsync(new HttpRequestMessage(HttpMethod.Head, path), Cancel);
            Assert.Equal((HttpStatusCode.OK, (long?)length, get.Headers.ETag), (head.StatusCode, head.Content.Headers.ContentLength, head.Headers.ETag));
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancel));

            using var known = await anybody.SendAsync(Conditional(path, get.Headers.ETag!.Tag), Cancel);
            Assert.Equal((HttpStatusCode.NotModified, "public, max-age=31536000, immutable"), (known.StatusCode, known.Headers.CacheControl!.ToString()));
            using var other = await anybody.SendAsync(Conditional(path, "\"other\""), Cancel);
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        }
    }

    [Fact]
    public async Task Checkpoint_IsCachedForSecondsOnly_AndChangesItsTag()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var anybody = Anonymous(gateway);
        Assert.Equal(("404_NOT_FOUND", "empty"), await RefusalAsync(anybody, "/tlog/checkpoint"));
        await FillAsync(gateway, 1);
        using var first = await anybody.GetAsync("/tlog/checkpoint", Cancel);
        Assert.Equal("text/plain; charset=utf-8", first.Content.Headers.ContentType!.ToString());
        Assert.InRange(first.Headers.CacheControl!.MaxAge!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        using var known = await anybody.SendAsync(Conditional("/tlog/checkpoint", first.Headers.ETag!.Tag), Cancel);
        Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
        await FillAsync(gateway, 1);
        using var second = await anybody.SendAsync(Conditional("/tlog/checkpoint", first.Headers.ETag!.Tag), Cancel);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
    }

    [Theory]
    [InlineData("/tlog/tile/0/001")]
    [InlineData("/tlog/tile/0/000")]
    [InlineData("/tlog/tile/0/000.p/4")]
    [InlineData("/tlog/tile/1/000.p/1")]
    [InlineData("/tlog/tile/63/000.p/1")]
    [InlineData("/tlog/tile/7/x009/x223/x372/x036/x854/x775/807")]
    public async Task TileThatIsNotThereYet_SaysHowLargeTheTreeIs_AndIsNotCached(string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var anybody = Anonymous(gateway);
        await FillAsync(gateway, 3);

        using var answer = await anybody.GetAsync(path, Cancel);

        Assert.Equal((HttpStatusCode.NotFound, true), (answer.StatusCode, answer.Headers.CacheControl!.NoStore));
        var details = (await Answer.ReadAsync(answer)).Json.GetProperty("details");
        Assert.Equal(("beyond_tree", 3), (details.Text("reason"), details.Integer("tree_size")));
    }

    [Fact]
    public async Task OtherSpellingsOfAPath_AreNotFound()
    {
        await using var gateway = await TestGateway.StartAsync();
        await FillAsync(gateway, 3);
        Assert.StartsWith("HTTP/1.1 200 ", await RawAsync(gateway, "/tlog/tile/0/000.p/3"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", await RawAsync(gateway, "/tlog/tile/0/000.p/3?cache=1"), StringComparison.Ordinal);
        foreach (var path in new[]
        {
            "/tlog/tile/", "/tlog/tile/0", "/tlog/tile/0/", "/tlog/tile/0/0.p/3", "/tlog/tile/00/000.p/3", "/tlog/tile/+0/000.p/3", "/tlog/tile/0/x000/000.p/3", "/tlog/tile/0/000.p/03",
            "/tlog/tile/0/000.p/0", "/tlog/tile/0/000.p/256", "/tlog/tile/0/000.p/3/", "/tlog/tile/0/000.P/3", "/tlog/tile/0/000.p//3", "/tlog/tile/-1/000.p/3", "/tlog/tile/64/000.p/3",
            "/tlog/tile/0/%30%30%30.p/3", "/tlog/tile/0/000%2ep/3", "/tlog/tile/0/000.p%2F3", "/tlog/tile/1/../0/000.p/3", "/tlog/./tile/0/000.p/3", "/x/../tlog/tile/0/000.p/3",
            "/tlog/tile/0/..%2f..%2f..%2fetc%2fpasswd", "/tlog/tile/0/" + new string('9', 5000), "/tlog/tile/0/" + string.Join('/', Enumerable.Repeat("x001", 200)) + "/000",
            "/tlog/tile/data/000.p/3", "/tlog/tile/0/\\000.p/3",
        })
        {
            var answer = await RawAsync(gateway, path);
            Assert.True(answer.StartsWith("HTTP/1.1 404 ", StringComparison.Ordinal) && answer.Contains("\"404_NOT_FOUND\"", StringComparison.Ordinal), $"{path}: {answer}");
        }
        Assert.StartsWith("HTTP/1.1 400 ", await RawAsync(gateway, "/tlog/tile/0/%00"), StringComparison.Ordinal); // by the web server
    }

    [Fact]
    public async Task EntryBundles_AreForAuditorsAlone_AndHashToTheTiles()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var anybody = Anonymous(gateway);
        await FillAsync(gateway, 60);
        var other = await gateway.AddTokenAsync("other", "*");
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person("theirs"), request => request.UseToken(other))).Status);
        await FillAsync(gateway, 99);
        await FillAsync(gateway, 100);
        const string full = "/tlog/tile/entries/000";

        Assert.Equal("401_UNAUTHENTICATED", (await RefusalAsync(anybody, full)).Code);
        var reader = await gateway.AddTokenAsync("other", "read");
        Assert.Equal("403_FORBIDDEN", (await gateway.GetAsync(full, request => request.UseToken(reader))).Code);
        var elsewhere = await gateway.AddTokenAsync("other", "ledger:audit", "*");
        Assert.Equal("403_FORBIDDEN", (await gateway.GetAsync(full, request => request.UseToken(elsewhere))).Code);
        var auditor = await gateway.AddTokenAsync(TestGateway.Tenant, "ledger:audit");
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/tlog/tile/entries/000.p/256", request => request.UseToken(auditor))).Code);
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/tlog/tile/entries/001.p/5", request => request.UseToken(auditor))).Code);

        var tenants = new HashSet<string>();
        foreach (var (bundle, width) in new[] { (0, 256), (0, 61), (1, 4) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, TlogReader.Path("entries", bundle, width));
            request.UseToken(auditor);
            using var answer = await anybody.SendAsync(request, Cancel);
            var cache = answer.Headers.CacheControl!;
            Assert.Equal((true, TimeSpan.FromDays(365), "immutable"), (cache.Private, cache.MaxAge, Assert.Single(cache.Extensions).Name));
            Assert.Equal("Authorization", Assert.Single(answer.Headers.Vary));
            Assert.True(EntryBundle.TryRead(await answer.Content.ReadAsByteArrayAsync(Cancel), out var entries));
            var hashes = await anybody.GetByteArrayAsync(TlogReader.Path("0", bundle, width), Cancel);
            Assert.Equal(hashes, entries.SelectMany(entry => MerkleHash.Leaf(entry)));
            Assert.Equal(width, entries.Count);
            tenants.UnionWith(entries.Select(entry => CanonicalJson.Parse(entry).Root.Text("tenant")!));
        }
        Assert.Equal(["dev", "other"], tenants.Order());
    }

    [Fact]
    public async Task DamagedEntry_IsNotServed()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var anybody = Anonymous(gateway);
        await FillAsync(gateway, 100);
        await FillAsync(gateway, 100);
        await FillAsync(gateway, 100);
        var path = Path.Combine(gateway.Folder, "ledger.db");
        using (var session = new LogLine.Api.Ledger.Sqlite.SqliteSession(path, readOnly: false))
        {
            session.Script("UPDATE entries SET entry = CAST(replace(CAST(entry AS TEXT), '\"env\":\"dev\"', '\"env\":\"prd\"') AS BLOB) WHERE idx = 2");
        }
        Assert.Equal(HttpStatusCode.InternalServerError, (await gateway.GetAsync("/tlog/tile/entries/000")).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/tlog/tile/entries/001.p/10")).Status);
    }

    /// <summary>Appends spans in one array; their receipts.</summary>
    private static async Task<IEnumerable<Receipt>> FillAsync(TestGateway gateway, int count)
    {
        var receipts = new List<Receipt>();
        for (var left = count; left > 0; left -= 100)
        {
            var answer = await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, Math.Min(100, left)).Select(i => GatewayActs.Person("p" + i))) + "]");
            Assert.Equal(HttpStatusCode.OK, answer.Status);
            receipts.AddRange(answer.Json.EnumerateArray().Select(ack => Receipt.TryRead(ack, out var receipt) is null ? receipt : throw new InvalidDataException(ack.GetRawText())));
        }
        return receipts;
    }

    private static HttpClient Anonymous(TestGateway gateway) => new() { BaseAddress = gateway.Client.BaseAddress };

    private static HttpRequestMessage Conditional(string path, string tag)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.ParseAdd(tag);
        return request;
    }

    private static async Task<(string? Code, string? Reason)> RefusalAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancel);
        var answer = await Answer.ReadAsync(response);
        return (answer.Code, answer.Json.GetProperty("details").Text("reason"));
    }

    /// <summary>Sends a path byte for byte, which no HTTP client does; the head and the body of the answer.</summary>
    private static async Task<string> RawAsync(TestGateway gateway, string path)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(gateway.Client.BaseAddress!.Host, gateway.Client.BaseAddress.Port, Cancel);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), Cancel);
        using var answer = new StreamReader(stream, Encoding.Latin1);
        return await answer.ReadToEndAsync(Cancel);
    }
}
