using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LogLine.Api.Artifacts;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

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
        Assert.Equal(HttpStatusCode.NoContent, (await RemoveAsync(gateway, one)).Status);
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

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => RemoveAsync(gateway, gone)));

        Assert.Single(answers, answer => answer.Status == HttpStatusCode.NoContent);
        Assert.Equal(15, answers.Count(answer => answer.Status == HttpStatusCode.NotFound));
        Assert.Equal(kept.Length, (await gateway.GetAsync("/v1/artifacts")).Json.Integer("used_bytes"));
        Assert.Single((await gateway.PostAsync("""{"intent":"artifact.removed"}""", path: "/v1/spans/query")).Json.Items("items"));
    }

    [Fact]
    public async Task PolicyAndQuotaOfTheTenant_HoldHereToo()
    {
        await using var gateway = await TestGateway.StartAsync(time: new SteppingClock(0)); // so that no minute is over in between
        var bytes = Bytes(10);
        await PutAsync(gateway, bytes);
        await gateway.PostAsync("""{"intent":"quota.set","subject":"urn:tenant:dev","payload":{"intent_pattern":"artifact.put","rate_per_minute":1,"burst":1}}""");
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(gateway, bytes)).Status);
        Assert.Equal("429_RATE_LIMITED", (await PutAsync(gateway, bytes)).Code);

        await gateway.PostAsync("""{"intent":"tenant.policy.set","subject":"urn:tenant:dev","payload":{"allowed_intents":["artifact.put"]}}""");
        var refused = await RemoveAsync(gateway, bytes);

        Assert.Equal(("403_POLICY_DENIED", "allowed_intents"), (refused.Code, refused.Detail("rule")));
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
            await Patience.UntilAsync("the upload", () => Directory.EnumerateFiles(Path.Combine(gateway.Folder, "artifacts", ".incoming")).Any());
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
        await using var gateway = await TestGateway.StartAsync(settings: new Dictionary<string, string?> { ["LogLine:Artifacts:UploadSeconds"] = "3" });
        var bytes = Bytes(50_000);
        bool IsTaken() => Directory.EnumerateFiles(Path.Combine(gateway.Folder, "artifacts", ".incoming")).Any();
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/v1/artifacts/{Name(bytes)}") { Content = new StreamContent(new RevokingStream(bytes, async () =>
        {
            // On a machine that stood still for so long it is over before it is seen to begin.
            for (var left = 1000; left > 0 && !IsTaken(); left--)
            {
                await Task.Delay(10, Cancel);
            }
            await Patience.UntilAsync("the end of the upload", () => !IsTaken());
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

    /// <summary>
    /// The contract's table at this door: an upload that has every fault at once. Each row is the answer, and then that one fault is mended. What its head is refused for is said
    /// before a byte of it is taken: the body is longer than an artifact may be.
    /// </summary>
    [Fact]
    public async Task EveryFaultOfAnUpload_IsAnsweredInTheContractsOrder()
    {
        await using var gateway = await (await TestGateway.StartAsync(time: new SteppingClock(0), settings: new Dictionary<string, string?> { ["LogLine:Artifacts:MaxBytes"] = "300000" })).RegisterKeyAsync();
        var (bytes, tooLong, none) = (Bytes(200_000), Bytes(300_001), await gateway.AddTokenAsync(TestGateway.Tenant, "read"));
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person(), request => request.Set("X-Nonce", "nonce-that-was-consumed"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person("b"), request => request.Set("Idempotency-Key", "taken"))).Status);
        await SetAsync(gateway, "quota.set", """{"intent_pattern":"artifact.put","rate_per_minute":1,"burst":1}""");
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, Bytes(1))).Status); // the one of this minute
        using var stranger = SigningKey.Generate();
        var fault = new Dictionary<string, string?>
        {
            ["X-Tenant-Id"] = "other", ["X-Env"] = "qa", ["X-Payload-Hash"] = ContentHash.HeaderPrefix + new string('0', 64), ["X-Nonce"] = "short", ["X-Timestamp"] = "yesterday", ["Idempotency-Key"] = "taken",
        };
        var (token, name, signer, sent) = (none, "blake3:abc", (SigningKey?)stranger, tooLong);
        var table = new (string Code, string? Reason, Action Mend)[]
        {
            ("403_FORBIDDEN", "foreign_tenant", () => fault.Remove("X-Tenant-Id")),                        // 2
            ("400_MALFORMED_HEADER", "X-Env", () => fault["X-Env"] = "stg"),                               // 3
            ("403_FORBIDDEN", "artifact.put", () => token = gateway.ApiKey),                               // 4
            ("429_RATE_LIMITED", null, () => { }),                                                         // 5, mended below
            ("422_PAYLOAD_HASH_MISMATCH", null, () => fault.Remove("X-Payload-Hash")),                     // 6
            ("422_SIGNATURE_INVALID", "unknown_kid", () => signer = null),
            ("400_FRESHNESS_REQUIRED", "X-Nonce", () => fault["X-Nonce"] = "nonce-that-was-consumed"),     // 7
            ("400_FRESHNESS_REQUIRED", "X-Timestamp", () => fault["X-Timestamp"] = Timestamps.Write(gateway.Time.GetUtcNow().AddSeconds(-130))),
            ("409_IDEMPOTENCY_CONFLICT", null, () => fault["Idempotency-Key"] = "mine"),                   // 8
            ("422_TIMESTAMP_OUT_OF_RANGE", null, () => fault["X-Timestamp"] = Timestamps.Write(gateway.Time.GetUtcNow())), // 9
            ("409_NONCE_REUSED", null, () => fault["X-Nonce"] = "nonce-that-is-quite-new"),                // 10
            ("422_SCHEMA_INVALID", "/payload/hash", () => name = Name(bytes)),                             // 11
            ("403_POLICY_DENIED", "unsigned", () => signer = gateway.Key),                                 // 14
            ("413_TOO_LARGE", null, () => sent = Bytes(200_000, 2)),                                       // its bytes
            ("422_PAYLOAD_HASH_MISMATCH", "bytes", () => sent = bytes),
        };
        foreach (var (code, reason, mend) in table)
        {
            var answer = await SendAsync();
            Assert.True(code == answer.Code, $"{answer.Code} instead of {code}: {answer.Body}");
            Assert.True(reason is null || answer.Body.Contains($"\"{reason}\"", StringComparison.Ordinal), answer.Body);
            mend();
            if (code == "429_RATE_LIMITED")
            {
                await SetAsync(gateway, "quota.set", """{"intent_pattern":"artifact.put","rate_per_minute":1000,"burst":1000}""");
                await SetAsync(gateway, "tenant.policy.set", """{"allow_unsigned":false}""");
            }
        }
        Assert.Single(Files(gateway));
        Assert.Equal(HttpStatusCode.Created, (await SendAsync()).Status);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync()).Status); // the retry finds them there
        var want = Assert.Single(await SpansAsync(gateway, "artifact.put"), span => span.Member("payload").Text("hash") == Name(bytes));
        var entry = (await gateway.GetAsync($"/v1/spans/{want.Text("this")}/receipt")).Json.Member("entry");
        Assert.Equal(("stg", TestGateway.Kid), (entry.Text("env"), entry.Text("kid")));

        Task<Answer> SendAsync() => PutAsync(gateway, sent, name, chunked: true, change: request =>
        {
            request.UseToken(token);
            request.Headers.ExpectContinue = true; // so that an answer to the head is read, whatever the length of the body
            foreach (var (header, value) in fault)
            {
                request.Set(header, value);
            }
            if (signer is not null)
            {
                var hash = ArtifactHash.TryParse(name, out _) ? name : ContentHash.Of(Encoding.UTF8.GetBytes(name));
                request.SignRequest(hash, signer, signer == stranger ? "kid_of_a_stranger" : TestGateway.Kid, "stg");
                request.Set("X-Payload-Hash", fault.GetValueOrDefault("X-Payload-Hash", ContentHash.HeaderOf(hash)));
            }
        });
    }

    [Fact]
    public async Task SignatureOfAnUpload_CoversItsBytesPathAndEnvironment()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var (bytes, other) = (Bytes(1000, 1), Bytes(1000, 2));
        Action<HttpRequestMessage> Signed(string hash, string env = "dev", Action<HttpRequestMessage>? after = null) => request =>
        {
            request.Set("X-Nonce", Guid.NewGuid().ToString("D"));
            request.Set("X-Timestamp", Timestamps.Write(gateway.Time.GetUtcNow()));
            request.SignRequest(hash, gateway.Key, TestGateway.Kid, env);
            request.Set("X-Payload-Hash", ContentHash.HeaderOf(Name(bytes)));
            after?.Invoke(request);
        };

        Assert.Equal("mismatch", (await PutAsync(gateway, bytes, change: Signed(Name(other)))).Detail("reason"));
        Assert.Equal("mismatch", (await PutAsync(gateway, bytes, change: Signed(Name(bytes), "stg"))).Detail("reason"));
        Assert.Equal("mismatch", (await PutAsync(gateway, bytes, Name(bytes) + "?x=1", change: Signed(Name(bytes), after: request => request.RequestUri = new Uri("/v1/artifacts/" + Name(bytes), UriKind.Relative)))).Detail("reason"));
        Assert.Equal("incomplete", (await PutAsync(gateway, bytes, change: Signed(Name(bytes), after: request => request.Set("X-Nonce", null)))).Detail("reason"));
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, bytes, change: Signed(Name(bytes)))).Status);
    }

    [Fact]
    public async Task Nonce_IsNotNeededForBytes_AndOneThatIsSentIsConsumedWhenTheyAreNew()
    {
        await using var gateway = await TestGateway.StartAsync();
        void Fresh(HttpRequestMessage request)
        {
            request.Set("X-Nonce", "nonce-of-these-bytes");
            request.Set("X-Timestamp", Timestamps.Write(gateway.Time.GetUtcNow()));
        }

        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, Bytes(10, 1))).Status);
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(gateway, Bytes(10, 1), change: Fresh)).Status); // nothing was written
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, Bytes(10, 2), change: Fresh)).Status);
        Assert.Equal("409_NONCE_REUSED", (await PutAsync(gateway, Bytes(10, 3), change: Fresh)).Code);
        Assert.Equal("409_NONCE_REUSED", (await PutAsync(gateway, Bytes(10, 2), change: Fresh)).Code);
        Assert.Equal(2, Files(gateway).Count());
    }

    [Fact]
    public async Task Upload_IsCountedOnceAgainstItsQuota_AndItsRefusalIsOnTheLedger()
    {
        await using var gateway = await TestGateway.StartAsync(time: new SteppingClock(0));
        await SetAsync(gateway, "quota.set", """{"intent_pattern":"artifact.put","rate_per_minute":1,"burst":2}""");

        var first = await PutAsync(gateway, Bytes(10, 1));
        var second = await PutAsync(gateway, Bytes(10, 2));
        var third = await PutAsync(gateway, Bytes(10, 3));

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created, "429_RATE_LIMITED"), (first.Status, second.Status, third.Code));
        Assert.Equal("1", first.Headers.GetValues("RateLimit-Remaining").Single());
    }

    [Fact]
    public async Task RefusedUpload_IsOnTheLedger_HeadAndBytesAlike()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bytes = Bytes(10);

        await gateway.AssertRefusedAsync("400_FRESHNESS_REQUIRED", () => PutAsync(gateway, bytes, change: request => request.Set("X-Nonce", "short")));
        await gateway.AssertRefusedAsync("422_PAYLOAD_HASH_MISMATCH", () => PutAsync(gateway, bytes, Name(Bytes(11))));

        var said = await SpansAsync(gateway, "gate.refused");
        Assert.Equal([Name(bytes), Name(Bytes(11))], said.Select(span => span.Member("payload").Text("submission_hash")));
        Assert.All(said, span => Assert.Equal("artifact.put", span.Member("payload").Text("intent")));
    }

    [Fact]
    public async Task Removal_IsAWriteLikeOthers()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var bytes = Bytes(1000);
        await PutAsync(gateway, bytes);

        Assert.Equal("400_FRESHNESS_REQUIRED", (await RemoveAsync(gateway, bytes, request => request.Set("X-Nonce", null))).Code);
        Assert.Equal("404_NOT_FOUND", (await RemoveAsync(gateway, Bytes(1001))).Code);
        Assert.Equal("422_SCHEMA_INVALID", (await RemoveAsync(gateway, bytes, path: "blake3:abc")).Code);
        await SetAsync(gateway, "tenant.policy.set", """{"allow_unsigned":false}""");
        Assert.Equal("unsigned", (await RemoveAsync(gateway, bytes)).Detail("rule"));
        Assert.Single(Files(gateway));

        var removed = await RemoveAsync(gateway, bytes, request =>
        {
            request.Set("X-Env", "prd");
            request.SignRequest("{}"u8.ToArray(), gateway.Key, TestGateway.Kid, "prd");
        });
        Assert.True(removed.Status == HttpStatusCode.NoContent, removed.Body);
        Assert.Empty(Files(gateway));
        var want = Assert.Single(await SpansAsync(gateway, "artifact.remove"));
        var said = Assert.Single(await SpansAsync(gateway, "artifact.removed"));
        var entry = (await gateway.GetAsync($"/v1/spans/{want.Text("this")}/receipt")).Json.Member("entry");
        Assert.Equal(("prd", TestGateway.Kid), (entry.Text("env"), entry.Text("kid")));
        Assert.Equal((Name(bytes), (long)bytes.Length, want.Text("this")), (said.Member("payload").Text("hash"), said.Member("payload").Integer("bytes"), said.Member("payload").Text("span")));
    }

    /// <summary>As when the gateway dies between the span and the name.</summary>
    [Fact]
    public async Task UploadWhoseBytesWereLostBehindItsSpan_IsKeptByItsRetry()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bytes = Bytes(1000);
        void WithKey(HttpRequestMessage request) => request.Set("Idempotency-Key", "put-once");
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, bytes, change: WithKey)).Status);
        File.Delete(Assert.Single(Files(gateway)));

        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, bytes, change: WithKey)).Status);

        Assert.Single(Files(gateway));
        Assert.Single(await SpansAsync(gateway, "artifact.put"));
    }

    /// <summary>As when the gateway dies between the span and the file; what was kept anew since stays.</summary>
    [Fact]
    public async Task BytesThatAreThereBehindTheirRemoval_GoAtTheNextStart()
    {
        await using var gateway = await TestGateway.StartAsync();
        var (left, kept, again) = (Bytes(1000, 1), Bytes(2000, 2), Bytes(3000, 3));
        foreach (var bytes in new[] { left, kept, again })
        {
            Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, bytes)).Status);
        }
        var file = Files(gateway).Single(path => new FileInfo(path).Length == left.Length);
        Assert.Equal(HttpStatusCode.NoContent, (await RemoveAsync(gateway, left)).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await RemoveAsync(gateway, again)).Status);
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(gateway, again)).Status);
        await gateway.StopAsync();
        await File.WriteAllBytesAsync(file, left, Cancel);

        await using var next = await TestGateway.StartAsync(folder: gateway.Folder, apiKey: gateway.ApiKey);

        Assert.Equal([2000L, 3000L], Files(next).Select(path => new FileInfo(path).Length).Order());
        Assert.Equal(5000, (await next.GetAsync("/v1/artifacts")).Json.Integer("used_bytes"));
        Assert.Equal(HttpStatusCode.Created, (await PutAsync(next, left)).Status);
    }

    [Fact]
    public async Task RemovalThatIsAskedForAgain_IsItsAnswerAndRemovesNothing()
    {
        await using var gateway = await TestGateway.StartAsync();
        var bytes = Bytes(1000);
        await PutAsync(gateway, bytes);
        void WithKey(HttpRequestMessage request) => request.Set("Idempotency-Key", "remove-once");

        Assert.Equal(HttpStatusCode.NoContent, (await RemoveAsync(gateway, bytes, WithKey)).Status);
        await PutAsync(gateway, bytes);
        Assert.Equal(HttpStatusCode.NoContent, (await RemoveAsync(gateway, bytes, WithKey)).Status);

        Assert.Single(Files(gateway));
        Assert.Single(await SpansAsync(gateway, "artifact.removed"));
    }

    [Theory]
    [InlineData("artifact.put")]
    [InlineData("artifact.remove")]
    public async Task IntentOfTheDoor_IsNoSpanOfClients(string intent)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(TestGateway.Json(new { intent, subject = "urn:artifact:dev", payload = new { hash = Name(Bytes(1)), bytes = 1 } }));

        Assert.Equal(("403_FORBIDDEN", "reserved_intent"), (answer.Code, answer.Detail("reason")));
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

    private static Task<Answer> RemoveAsync(TestGateway gateway, byte[] bytes, Action<HttpRequestMessage>? change = null, string? path = null) => gateway.PostAsync("{}", request =>
    {
        request.Method = HttpMethod.Delete;
        change?.Invoke(request);
    }, "/v1/artifacts/" + (path ?? Name(bytes)));

    private static async Task SetAsync(TestGateway gateway, string intent, string payload) =>
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync($$"""{"intent":"{{intent}}","subject":"urn:tenant:dev","payload":{{payload}}}""")).Status);

    private static IEnumerable<string> Files(TestGateway gateway) => Directory.EnumerateFiles(Path.Combine(gateway.Folder, "artifacts"), "*", SearchOption.AllDirectories);

    private static async Task<IReadOnlyList<JsonElement>> SpansAsync(TestGateway gateway, string intent)
    {
        var answer = await gateway.PostAsync($$"""{"intent":"{{intent}}"}""", path: "/v1/spans/query");
        return [.. answer.Json.Items("items")];
    }
}
