using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Artifacts;

/// <summary>The door for binary content: what is kept is kept whole, under its own hash, for its own tenant.</summary>
public sealed class ArtifactTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_ComeBackAsTheyWereAndAreOnTheLedger()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bytes = Bytes(3_000_000);

        var first = await PutAsync(gateway, bytes);
        var again = await PutAsync(gateway, bytes);
        using var read = await gateway.Client.GetAsync($"/v1/artifacts/{Name(bytes)}", Cancel);
        using var head = await gateway.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"/v1/artifacts/{Name(bytes)}"), Cancel);
        using var part = await gateway.Client.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/v1/artifacts/{Name(bytes)}") { Headers = { Range = new RangeHeaderValue(10, 19) } }, Cancel);
        var listed = (await gateway.GetAsync("/v1/artifacts")).Json;
        var spans = await SpansAsync(gateway, "artifact.stored");

        Assert.Equal((HttpStatusCode.Created, true), (first.Status, first.Json.Flag("changed")));
        Assert.Equal((HttpStatusCode.OK, false), (again.Status, again.Json.Flag("changed")));
        Assert.Equal(bytes, await read.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal(bytes.Length, head.Content.Headers.ContentLength);
        Assert.Equal(bytes[10..20], await part.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal((Name(bytes), (long)bytes.Length), (Assert.Single(listed.Items("items")).Text("hash"), listed.Integer("used_bytes")));
        Assert.Equal(Name(bytes), Assert.Single(spans).Member("payload").Text("hash"));
    }

    [Theory]
    [InlineData("bytes=300-")]
    [InlineData("bytes=-0")]
    public async Task RangeBeyondTheEnd_IsAProblemThatSaysTheLength_AndMeansNothingToHead(string range)
    {
        await using var gateway = await TestGateway.StartAsync();
        var bytes = Bytes(300);
        await PutAsync(gateway, bytes);
        async Task<HttpResponseMessage> AskAsync(HttpMethod method)
        {
            using var request = new HttpRequestMessage(method, $"/v1/artifacts/{Name(bytes)}");
            request.Headers.TryAddWithoutValidation("Range", range);
            return await gateway.Client.SendAsync(request, Cancel);
        }

        using var head = await AskAsync(HttpMethod.Head);
        using var get = await AskAsync(HttpMethod.Get);
        var problem = await Answer.ReadAsync(get);

        Assert.Equal((HttpStatusCode.OK, 300), (head.StatusCode, head.Content.Headers.ContentLength));
        Assert.Equal(("400_MALFORMED_HEADER", "application/problem+json"), (problem.Code, problem.ContentType));
        Assert.Equal("bytes */300", get.Content.Headers.GetValues("Content-Range").Single());
    }

    [Fact]
    public async Task WrongHash_IsRefusedAndNothingIsKept()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (bytes, other) = (Bytes(100_000), Bytes(10));

        var answer = await PutAsync(gateway, bytes, Name(other));

        Assert.Equal("422_PAYLOAD_HASH_MISMATCH", answer.Code);
        Assert.Equal(Name(bytes), answer.Json.Member("details").Text("found"));
        Assert.Equal(HttpStatusCode.NotFound, (await gateway.GetAsync($"/v1/artifacts/{Name(other)}")).Status);
        Assert.Empty(Files(gateway));
        Assert.Equal(0, (await gateway.GetAsync("/v1/artifacts")).Json.Integer("used_bytes"));
        Assert.Empty(await SpansAsync(gateway, "artifact.stored"));
    }

    [Theory]
    [InlineData("blake3:abc")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("blake3:..%2F..%2Fledger.db")]
    [InlineData("blake3:ABCDEF0000000000000000000000000000000000000000000000000000000000")]
    public async Task NameOfAnotherForm_IsInvalid(string name)
    {
        await using var gateway = await TestGateway.StartAsync();

        Assert.Equal("422_SCHEMA_INVALID", (await PutAsync(gateway, [1], name)).Code);
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/v1/artifacts/" + name)).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task MoreThanTheLimit_IsTooLarge(bool chunked)
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Artifacts:MaxBytes"] = "1000" });

        Assert.Equal("413_TOO_LARGE", (await PutAsync(gateway, Bytes(1001), chunked: chunked)).Code);
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, Bytes(1000), chunked: chunked)).Status);
        Assert.Single(Files(gateway));
    }

    [Fact]
    public async Task ShareOfATenant_IsUsedUpAndReturned()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Artifacts:TenantBytes"] = "1500" });
        var (one, two) = (Bytes(1000, 1), Bytes(1000, 2));

        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, one)).Status);
        var refused = await PutAsync(gateway, two);
        Assert.Equal(("403_POLICY_DENIED", "artifacts.tenant_bytes"), (refused.Code, refused.Json.Member("details").Text("rule")));
        using (var removed = await gateway.Client.DeleteAsync($"/v1/artifacts/{Name(one)}", Cancel))
        {
            Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        }
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, two)).Status);
        Assert.Equal(Name(one), Assert.Single(await SpansAsync(gateway, "artifact.removed")).Member("payload").Text("hash"));
    }

    [Fact]
    public async Task DiskThatIsToStayFree_IsBusyAndNothingIsLeft()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Artifacts:KeepFreeBytes"] = long.MaxValue.ToString() });

        var answer = await PutAsync(gateway, Bytes(1000));

        Assert.Equal(("503_BUSY", "disk_full"), (answer.Code, answer.Json.Member("details").Text("reason")));
        Assert.Empty(Files(gateway));
    }

    [Fact]
    public async Task FullDisk_IsBusyAndNothingIsLeft()
    {
        var disk = Environment.GetEnvironmentVariable("LOGLINE_TEST_SMALL_DISK");
        if (disk is null)
        {
            Assert.Skip("LOGLINE_TEST_SMALL_DISK names no disk of 1 MiB; tests/run mounts one as root.");
        }
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Artifacts:Path"] = disk, ["LogLine:Artifacts:KeepFreeBytes"] = "0" });

        var answer = await PutAsync(gateway, Bytes(2_000_000));

        Assert.Equal(("503_BUSY", "disk_full"), (answer.Code, answer.Json.Member("details").Text("reason")));
        Assert.Empty(Directory.EnumerateFiles(disk, "*", SearchOption.AllDirectories));
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, Bytes(1000))).Status);
        Directory.EnumerateFiles(disk, "*", SearchOption.AllDirectories).ToList().ForEach(File.Delete);
    }

    [Fact]
    public async Task AnotherTenantsArtifact_DoesNotExist()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bytes = Bytes(100);
        await PutAsync(gateway, bytes);
        var other = (await gateway.PostAsync("""{"tenant":"other"}""", path: "/v1/tenants")).Json.Text("api_key")!;
        void AsOther(HttpRequestMessage request) => request.Headers.Authorization = new AuthenticationHeaderValue("ApiKey", other);

        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync($"/v1/artifacts/{Name(bytes)}", AsOther)).Code);
        Assert.Empty((await gateway.GetAsync("/v1/artifacts", AsOther)).Json.Items("items"));
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, bytes, change: AsOther)).Status);
    }

    [Theory]
    [InlineData("read", "403_FORBIDDEN", "200")]
    [InlineData("artifact.put", "201", "403_FORBIDDEN")]
    [InlineData("artifact.*", "201", "403_FORBIDDEN")]
    public async Task Scope_DecidesWhoWritesAndWhoReads(string scope, string put, string get)
    {
        await using var gateway = await TestGateway.StartAsync();
        var mine = Bytes(7, 7);
        await PutAsync(gateway, mine);
        var token = (await gateway.PostAsync($$"""{"scopes":["{{scope}}"]}""", path: "/v1/tokens")).Json.Text("api_key")!;
        void Narrow(HttpRequestMessage request) => request.Headers.Authorization = new AuthenticationHeaderValue("ApiKey", token);

        var written = await PutAsync(gateway, Bytes(8, 8), change: Narrow);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/artifacts/{Name(mine)}");
        Narrow(request);
        using var read = await gateway.Client.SendAsync(request, Cancel);

        Assert.Equal(put, put.Length == 3 ? ((int)written.Status).ToString() : written.Code);
        Assert.Equal(get[..3], ((int)read.StatusCode).ToString());
    }

    [Fact]
    public async Task ManyUploadsOfTheSame_KeepOneFile()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bytes = Bytes(200_000);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PutAsync(gateway, bytes)));

        Assert.All(answers, answer => Assert.True(answer.Status is HttpStatusCode.Created or HttpStatusCode.OK, answer.Body));
        Assert.Single(Files(gateway));
        Assert.Equal(bytes.Length, (await gateway.GetAsync("/v1/artifacts")).Json.Integer("used_bytes"));
    }

    [Fact]
    public async Task ManyRemovalsOfOne_GiveItsBytesBackOnce_AndAreSaidOnce()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (kept, gone) = (Bytes(1000, 1), Bytes(200_000, 2));
        await PutAsync(gateway, kept);
        await PutAsync(gateway, gone);

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => gateway.Client.DeleteAsync($"/v1/artifacts/{Name(gone)}", Cancel)));

        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.NoContent);
        Assert.Equal(15, answers.Count(answer => answer.StatusCode == HttpStatusCode.NotFound));
        Assert.Equal(kept.Length, (await gateway.GetAsync("/v1/artifacts")).Json.Integer("used_bytes"));
        Assert.Single((await gateway.PostAsync("""{"intent":"artifact.removed"}""", path: "/v1/spans/query")).Json.Items("items"));
    }

    [Fact]
    public async Task PolicyAndQuotaOfTheTenant_HoldHereToo()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bytes = Bytes(10);
        await PutAsync(gateway, bytes);
        await gateway.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"artifact.put","rate_per_minute":1,"burst":1}}""");
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(gateway, bytes)).Status);
        Assert.Equal("429_RATE_LIMITED", (await PutAsync(gateway, bytes)).Code);

        await gateway.PostAsync("""{"intent":"tenant.policy.set","subject":"urn:tenant:dev","payload":{"allowed_intents":["artifact.put"]}}""");
        using var refused = await gateway.Client.DeleteAsync($"/v1/artifacts/{Name(bytes)}", Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("allowed_intents", await refused.Content.ReadAsStringAsync(Cancel));
        Assert.Single(Files(gateway));
    }

    [Fact]
    public void Uploads_OfOneTenant_LeaveRoomForOthers()
    {
        var seats = new LogLine.Api.Submissions.UploadSeats(16);
        var own = Enumerable.Range(0, 16).Select(_ => seats.Take("a")).OfType<IDisposable>().ToList();
        var others = Enumerable.Range(0, 16).Select(i => seats.Take("t" + i)).OfType<IDisposable>().ToList();

        Assert.Equal((8, 8), (own.Count, others.Count));
        Assert.Null(seats.Take("new"));
        own[0].Dispose();
        Assert.NotNull(seats.Take("new"));
        Assert.Null(seats.Take("a"));
    }

    [Fact]
    public async Task RevokedWhileItUploads_KeepsNothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var made = (await gateway.PostAsync("""{"scopes":["artifact.*"]}""", path: "/v1/tokens")).Json;
        var bytes = Bytes(50_000);
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/artifacts/{Name(bytes)}") { Content = new StreamContent(new RevokingStream(bytes, async () =>
        {
            while (!Directory.EnumerateFiles(Path.Combine(gateway.Folder, "artifacts", ".incoming")).Any())
            {
                await Task.Yield();
            }
            Assert.Equal(HttpStatusCode.NoContent, (await gateway.PostAsync("", delete => delete.Method = HttpMethod.Delete, "/v1/tokens/" + made.Text("token_id"))).Status);
        })) };
        request.Headers.Authorization = new AuthenticationHeaderValue("ApiKey", made.Text("api_key"));

        using var answer = await gateway.Client.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Empty(Files(gateway));
    }

    /// <summary>However steadily it comes: an upload that goes on and on gives its place up.</summary>
    [Fact]
    public async Task UploadThatNeverEnds_IsEnded_AndKeepsNothing()
    {
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Artifacts:UploadSeconds"] = "1" });
        var bytes = Bytes(50_000);
        bool IsTaken() => Directory.EnumerateFiles(Path.Combine(gateway.Folder, "artifacts", ".incoming")).Any();
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/artifacts/{Name(bytes)}") { Content = new StreamContent(new RevokingStream(bytes, async () =>
        {
            while (!IsTaken())
            {
                await Task.Delay(1, Cancel);
            }
            while (IsTaken())
            {
                await Task.Delay(1, Cancel);
            }
        })) };

        using var response = await gateway.Client.SendAsync(request, Cancel);
        var answer = await Answer.ReadAsync(response);

        Assert.Equal(("503_BUSY", "too_slow"), (answer.Code, answer.Json.Member("details").Text("reason")));
        Assert.Empty(Files(gateway));
    }

    /// <summary>Bytes of which the second half comes after something has happened.</summary>
    private sealed class RevokingStream(byte[] bytes, Func<Task> between) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position >= Length / 2)
            {
                await Interlocked.Exchange(ref between, () => Task.CompletedTask)();
                return Read(buffer.Span);
            }
            return Read(buffer.Span[..(int)Math.Min(buffer.Length, (Length / 2) - Position)]);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            var buffer = new byte[bufferSize];
            int read;
            while ((read = await ReadAsync(buffer, cancellationToken)) > 0)
            {
                await destination.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                await destination.FlushAsync(cancellationToken);
            }
        }
    }

    [Fact]
    public async Task BrokenUpload_LeavesNothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/artifacts/{Name(Bytes(10))}") { Content = new Unending(stop) };

        await Assert.ThrowsAnyAsync<Exception>(() => gateway.Client.SendAsync(request, stop.Token));

        while (Files(gateway).Any())
        {
            await Task.Yield();
            Cancel.ThrowIfCancellationRequested();
        }
        Assert.Equal(0, (await gateway.GetAsync("/v1/artifacts")).Json.Integer("used_bytes"));
    }

    /// <summary>A body of which a part comes, and then the client is gone.</summary>
    private sealed class Unending(CancellationTokenSource stop) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[300_000], CancellationToken.None);
            await stream.FlushAsync(CancellationToken.None);
            await stop.CancelAsync();
            stop.Token.ThrowIfCancellationRequested();
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private static byte[] Bytes(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static string Name(byte[] bytes) => ContentHash.Of(bytes);

    private static async Task<Answer> PutAsync(TestGateway gateway, byte[] bytes, string? name = null, bool chunked = false, Action<HttpRequestMessage>? change = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1/artifacts/" + (name ?? Name(bytes))) { Content = new ByteArrayContent(bytes) };
        request.Headers.TransferEncodingChunked = chunked;
        change?.Invoke(request);
        using var response = await gateway.Client.SendAsync(request, Cancel);
        return await Answer.ReadAsync(response);
    }

    private static IEnumerable<string> Files(TestGateway gateway) => Directory.EnumerateFiles(Path.Combine(gateway.Folder, "artifacts"), "*", SearchOption.AllDirectories);

    private static async Task<IReadOnlyList<JsonElement>> SpansAsync(TestGateway gateway, string intent)
    {
        var answer = await gateway.PostAsync($$"""{"intent":"{{intent}}"}""", path: "/v1/spans/query");
        return [.. answer.Json.Items("items")];
    }
}
