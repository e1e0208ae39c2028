using System.Text.Json;
using LogLine.Api.Delivery.Witnesses;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.OpenApi;
using LogLine.Api.Policy.Redis;
using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Api.Tenants;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Delivery;

/// <summary>What the gateway says about itself: keys, health, catalogue, help pages.</summary>
internal static class ServerEndpoints
{
    public static void MapServerReads(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/keys", KeysAsync).Documented(ServerDocs.Keys);
        routes.MapGet("/healthz/live", () => Results.Text("live\n")).Documented(ServerDocs.Live);
        routes.MapGet("/healthz/ready", ReadyAsync).Documented(ServerDocs.Ready);
        routes.MapGet("/problems/{code}", Problem).Documented(ServerDocs.Problem);
        routes.MapGet("/v1/whoami", WhoAmIAsync).RequireToken().Documented(ServerDocs.WhoAmI);
        routes.MapGet("/v1/catalog", CatalogueAsync).RequireToken().Documented(ServerDocs.Catalogue);
        routes.MapGet("/v1/wallet/keys", WalletKeysAsync).RequireReader().Documented(ServerDocs.WalletKeys);
        routes.MapGet("/v1/tokens", TokensAsync).RequireScope("admin:tokens").Documented(ServerDocs.Tokens);
    }

    /// <summary>
    /// <c>{origin, keys[{kid, use, alg, public_key, from_tree_size?, until_tree_size?, endorsement?, vkey?, status}]}</c>, oldest first, without a token: a receipt is verified
    /// with it (use log, span; worker for what workers report), and secrets are sealed to it (use runner, alg x25519).
    /// </summary>
    private static async Task KeysAsync(HttpContext http, SpanLedger ledger, RunnerDirectory runners)
    {
        var workers = await runners.AllAsync();
        await http.WriteAsync(json => WriteServerKeys(json, ledger, workers));
    }

    private static void WriteServerKeys(Utf8JsonWriter json, SpanLedger ledger, IReadOnlyList<WorkerKey> workers)
    {
        json.WriteStartObject();
        json.WriteString("origin", ledger.Origin);
        json.WriteStartArray("keys");
        foreach (var key in ledger.Identity.Keys)
        {
            json.WriteStartObject();
            key.WriteMembers(json);
            if (key.Use == "log")
            {
                json.WriteString("vkey", SignedNote.VerifierKey(key.Origin ?? ledger.Origin, key.PublicKey));
            }
            json.WriteString("status", key.Until is null ? "active" : "retired");
            json.WriteEndObject();
        }
        json.WriteStartObject();
        json.WriteString("kid", ledger.Identity.WebhookKid);
        json.WriteString("use", "webhook");
        json.WriteString("alg", "ed25519");
        json.WriteString("public_key", ledger.Identity.WebhookKey.PublicKeyHex);
        json.WriteString("status", "active");
        json.WriteEndObject();
        foreach (var key in workers)
        {
            json.WriteStartObject();
            json.WriteString("kid", key.Kid);
            json.WriteString("use", key.Use);
            json.WriteString("alg", key.Algorithm);
            json.WriteString("public_key", Convert.ToHexStringLower(key.PublicKey));
            json.WriteString("status", key.IsActive ? "active" : "revoked");
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>200 while spans can be admitted and this gateway is there to stay; engines or a Redis that are missing degrade, and are named. Whoever asks needs no token, so nothing is asked on their behalf, and where an engine is sought stays in the log.</summary>
    private static async Task ReadyAsync(HttpContext http, SpanLedger ledger, EngineWatch watch, WitnessRounds witnesses, RedisServer redis, Drain drain)
    {
        var engines = await watch.SeenAsync(http.RequestAborted);
        var stopped = ledger.Stopped ?? ledger.Waiting;
        var away = redis.Away; // once: it comes and goes while this is written
        http.Response.StatusCode = stopped is null && !drain.HasBegun ? 200 : 503;
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteString("status", stopped is not null ? "stopped" : drain.HasBegun ? "draining" : away is null && engines.Any(engine => engine.Status.Available) ? "ready" : "degraded");
            json.WriteStartObject("ledger");
            json.WriteString("status", stopped ?? "ready");
            json.WriteNumber("size", ledger.Size);
            json.WriteEndObject();
            if (redis.IsUsed)
            {
                json.WriteStartObject("redis");
                json.WriteBoolean("available", away is null);
                if (away is not null)
                {
                    json.WriteString("reason", away);
                }
                json.WriteEndObject();
            }
            WitnessHealth.Write(json, witnesses, ledger.Size);
            json.WriteStartObject("engines");
            foreach (var (provider, status) in engines)
            {
                json.WriteStartObject(provider);
                json.WriteBoolean("available", status.Available);
                if (status.Version is not null)
                {
                    json.WriteString("version", status.Version);
                }
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>The page to which the <c>type</c> of a problem leads.</summary>
    private static Task Problem(HttpContext http, string code)
    {
        foreach (var known in Enum.GetValues<RefusalCode>())
        {
            var meaning = known.Meaning();
            if (meaning.Wire == code)
            {
                return Results.Text($"{meaning.Wire}\n\n{meaning.Title}.\n\nHTTP status: {meaning.Status}\nThe same request can succeed later by itself: {(meaning.Retryable ? "yes" : "no")}\n\nWhat to do: {meaning.Way}\n")
                    .ExecuteAsync(http);
            }
        }
        return http.RefuseAsync(new Rejection(RefusalCode.NotFound, "There is no such code."));
    }

    private static Task WhoAmIAsync(HttpContext http) => http.WriteAsync(json =>
    {
        var principal = http.Principal();
        json.WriteStartObject();
        json.WriteString("token_id", principal.TokenId);
        json.WriteString("tenant", principal.Tenant);
        json.WriteString("env", principal.Env);
        WriteTexts(json, "scopes", principal.Scopes);
        json.WriteEndObject();
    });

    /// <summary><c>{items[{intent, title, entity_type, kind, subjects[], sender, effect?, proof?, example?, payload_schema}]}</c></summary>
    private static Task CatalogueAsync(HttpContext http, Catalogue catalogue) => http.WriteAsync(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (var intent in catalogue.All)
        {
            json.WriteStartObject();
            json.WriteString("intent", intent.Name);
            json.WriteString("title", intent.Title);
            json.WriteString("entity_type", intent.EntityType);
            json.WriteString("kind", intent.Kind);
            WriteTexts(json, "subjects", intent.Subjects);
            json.WriteString("sender", intent.Sender.ToString().ToLowerInvariant());
            if (intent.Effect is not null)
            {
                json.WriteString("effect", intent.Effect);
            }
            if (intent.ProofIntent is not null)
            {
                json.WriteString("proof", intent.ProofIntent);
            }
            if (IntentExample.Of(intent, http.Principal().Tenant) is { } example)
            {
                json.WritePropertyName("example");
                example.Root.WriteTo(json);
            }
            json.WritePropertyName("payload_schema");
            intent.Document.WriteTo(json);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>The tenant's tokens, without the tokens themselves; scope <c>admin:tokens</c>.</summary>
    private static async Task TokensAsync(HttpContext http, SpanLedger ledger)
    {
        if (!http.Principal().Has("admin:tokens"))
        {
            await http.RefuseAsync(new Rejection(RefusalCode.Forbidden, "The token has no scope 'admin:tokens'.") { Details = new Dictionary<string, object?> { ["required_permission"] = "admin:tokens", ["reason"] = "scope" } });
            return;
        }
        var tokens = await ledger.Store.TokensAsync(http.Principal().Tenant);
        await http.WriteAsync(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (var token in tokens)
            {
                json.WriteStartObject();
                json.WriteString("token_id", token.TokenId);
                WriteTexts(json, "scopes", token.Scopes);
                json.WriteString("env", token.Env);
                WriteTime(json, "expires_at", token.ExpiresAt);
                WriteTime(json, "revoked_at", token.RevokedAt);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        if (time is { } at)
        {
            json.WriteString(name, Timestamps.Write(at));
        }
    }

    /// <summary>The tenant's own keys.</summary>
    private static async Task WalletKeysAsync(HttpContext http, TenantDirectory tenants)
    {
        var keys = await tenants.KeysAsync(http.Principal().Tenant);
        await http.WriteAsync(json => WriteKeys(json, keys));
    }

    private static void WriteKeys(Utf8JsonWriter json, IEnumerable<KeyRow> keys)
    {
        json.WriteStartObject();
        json.WriteStartArray("items");
        foreach (var key in keys)
        {
            json.WriteStartObject();
            json.WriteString("kid", key.Kid);
            json.WriteString("pub", Convert.ToHexStringLower(key.PublicKey));
            WriteTexts(json, "usage", key.Usage);
            json.WriteString("status", key.Status.ToString().ToLowerInvariant());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }
}
