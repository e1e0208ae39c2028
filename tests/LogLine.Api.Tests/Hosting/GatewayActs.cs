using System.Net.Http.Headers;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Hosting;

/// <summary>What many tests do with a gateway.</summary>
internal static class GatewayActs
{
    /// <summary>A span that needs nothing but a token: a person.</summary>
    public static string Person(string slug = "joana", string? name = null, string? country = "PT") => TestGateway.Json(name is null
        ? new { intent = "registry.person.create", subject = "urn:registry:person/" + slug, payload = new { name = "Joana", email = "j@example.com", country, consent = true } }
        : new { @this = name, intent = "registry.person.create", subject = "urn:registry:person/" + slug, payload = new { name = "Joana", email = "j@example.com", country, consent = true } });

    public static string NewThis() => SpanDocument.ThisPrefix + Guid.NewGuid().ToString("D");

    /// <summary>A token of a tenant, which is made when it is not there.</summary>
    public static async Task<string> AddTokenAsync(this TestGateway gateway, string tenant, params string[] scopes)
    {
        var token = ApiToken.Create(ApiToken.NewId(), tenant, scopes, "dev");
        await gateway.InsertAsync(token.Row);
        return token.Value;
    }

    /// <summary>Writes a token past the log, and its tenant when it is not there.</summary>
    public static Task InsertAsync(this TestGateway gateway, TokenRow token)
    {
        using var session = new SqliteSession(Path.Combine(gateway.Folder, "ledger.db"), readOnly: false);
        session.Execute("INSERT OR IGNORE INTO tenants VALUES($1, 0)", token.Tenant);
        session.Execute(
            "INSERT INTO tokens VALUES($1,$2,$3,$4,$5,$6,NULL)", token.TokenId, token.Tenant, token.Hash, string.Join(' ', token.Scopes), token.Env, token.ExpiresAt?.ToUnixTimeMilliseconds());
        return Task.CompletedTask;
    }

    public static void UseToken(this HttpRequestMessage request, string token) => request.Headers.Authorization = new AuthenticationHeaderValue("ApiKey", token);

    public static void Set(this HttpRequestMessage request, string header, string? value)
    {
        request.Headers.Remove(header);
        if (value is not null)
        {
            request.Headers.TryAddWithoutValidation(header, value);
        }
    }

    /// <summary>Signs a request over a body, with the nonce and timestamp that it has.</summary>
    public static void SignRequest(this HttpRequestMessage request, byte[] body, SigningKey key, string kid, string env = "dev") =>
        request.SignRequest(ContentHash.Of(CanonicalJson.Parse(body).Utf8.Span), key, kid, env);

    /// <summary>The same over bytes of which the hash is known, <c>blake3:…</c>.</summary>
    public static void SignRequest(this HttpRequestMessage request, string hash, SigningKey key, string kid, string env = "dev")
    {
        var signed = new SignedRequest
        {
            Method = request.Method.Method, Path = request.RequestUri!.OriginalString, Tenant = TestGateway.Tenant, Env = env, ContentHash = hash,
            Nonce = request.Headers.GetValues("X-Nonce").Single(), Timestamp = request.Headers.GetValues("X-Timestamp").Single(),
            IdempotencyKey = request.Headers.TryGetValues("Idempotency-Key", out var keys) ? keys.Single() : null, Kid = kid,
        };
        request.Set("X-Payload-Hash", ContentHash.HeaderOf(hash));
        request.Set("X-Signature-Alg", DomainSignature.Algorithm);
        request.Set("X-Signature-KeyId", kid);
        request.Set("X-Signature", signed.Sign(key));
    }

    /// <summary>The <paramref name="count"/> spans from an index on, once they are there.</summary>
    public static async Task<IReadOnlyList<SpanDocument>> SpansFromAsync(this TestGateway gateway, long index, int count)
    {
        while (gateway.Ledger.Size is var size && size < index + count)
        {
            var more = gateway.Ledger.WaitForMoreAsync(size, TestContext.Current.CancellationToken);
            await Task.WhenAny(more, Task.Delay(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken));
            Assert.True(more.IsCompleted, $"{size - index} of {count} entries came, then none for two minutes; {gateway.Ledger.Size - size} are there that nobody was told of");
            await more;
        }
        return [.. (await gateway.Ledger.Store.ReadEntriesAsync(index, count)).Select(stored => SpanDocument.View(CanonicalJson.Parse(stored.Span)))];
    }

    /// <summary>
    /// Sends what must be refused: the answer has the code, names the trace, and the ledger has nothing from it but the record of the refusal.
    /// </summary>
    public static async Task<Answer> AssertRefusedAsync(this TestGateway gateway, string code, Func<Task<Answer>> send)
    {
        var before = gateway.Ledger.Size;
        var answer = await send();
        Assert.True(code == answer.Code, $"{answer.Code} instead of {code}: {answer.Body}");
        Assert.Equal(code[..3], ((int)answer.Status).ToString());
        Assert.Matches("^[0-9a-f]{32}$", answer.Json.Text("trace_id"));
        var record = Assert.Single(await gateway.SpansFromAsync(before, 1));
        Assert.Equal("gate.refused", record.Intent);
        Assert.Equal(code, record.Payload.Text("code"));
        var next = await gateway.PostAsync(Person("after-a-refusal"));
        Assert.Equal(before + 1, next.Json.GetProperty("receipt").GetProperty("log_index").GetInt64());
        return answer;
    }

    /// <summary>The only error of an <c>invalid</c> answer.</summary>
    public static (string Path, string Keyword) Error(this Answer answer)
    {
        var error = Assert.Single(answer.Json.GetProperty("errors").EnumerateArray().ToList());
        return (error.Text("path")!, error.Text("keyword")!);
    }

    public static string? Detail(this Answer answer, string name) => answer.Json.GetProperty("details").Text(name);
}
