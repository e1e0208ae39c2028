using System.Text;
using LogLine.Api.Artifacts;
using LogLine.Api.Gate;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Policy;
using LogLine.Api.Runs;
using LogLine.Api.Tenants;
using LogLine.Benchmarks.Spans;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Benchmarks.Gate;

/// <summary>A gate on an opened ledger that knows a key, a manifest and a proof, and the deploy that they let through.</summary>
internal sealed class GateAlone : IAsyncDisposable
{
    private const string Tenant = "dev";
    private const string Subject = "urn:minicontainer:dev/web";
    private readonly string _folder;
    private readonly SigningKey _key = SigningKey.Generate();
    private readonly ApiToken _token = ApiToken.Create("tok_benchmark", Tenant, ["*"], "dev");
    private readonly TenantPrincipal _principal = new("tok_benchmark", Tenant, "dev", ["*"]);
    private readonly DataFolder _data;
    private readonly SpanLedger _ledger;
    private readonly Catalogue _catalogue = Catalogue.Load(Path.Combine(AppContext.BaseDirectory, "schemas"));
    private readonly TdlnGate _gate;
    private byte[] _deploy = [];
    private SpanDocument? _span;
    private long _nonce;

    private GateAlone(string folder, DataFolder data, SpanLedger ledger)
    {
        (_folder, _data, _ledger) = (folder, data, ledger);
        var directory = new TenantDirectory(_ledger, TimeProvider.System);
        _gate = new TdlnGate(
            _catalogue, directory, _ledger, new RunTargets([new IdleTarget()], TimeProvider.System), new RunDesk(_ledger, TimeProvider.System),
            new TenantRules(_ledger, TimeProvider.System), new OperatorPolicy(), ArtifactStore.Open(Path.Combine(folder, "artifacts"), new ArtifactOptions(), TimeProvider.System), TimeProvider.System);
    }

    /// <summary>Bytes of the deploy as it is sent.</summary>
    public int SpanBytes => _deploy.Length;

    public static async Task<GateAlone> OpenAsync()
    {
        var folder = Directory.CreateTempSubdirectory("logline-benchmark-").FullName;
        var data = DataFolder.Open(folder);
        var gate = new GateAlone(folder, data, await SqliteLedger.OpenAsync(data, TimeProvider.System, 64, NullLogger<SpanLedger>.Instance));
        await gate._ledger.Store.TryInsertFirstTenantAsync(new TenantRow(Tenant, DateTimeOffset.UtcNow), gate._token.Row);
        var (pub, usage) = (gate._key.PublicKeyHex, new[] { "sign", "admin" });
        await gate.AppendAsync(gate.Sign("wallet.key.register", "decision", "urn:wallet:" + Tenant, json =>
            json.WriteRawValue($$"""{"kind":"wallet/key.v1","kid":"{{SignedSpans.Kid}}","pub":"{{pub}}","usage":["sign","admin"],"pop":"{{Possession.Sign(gate._key, Tenant, SignedSpans.Kid, pub, usage)}}"}"""), signed: false));
        var manifest = SignedManifest.Sign(CanonicalJson.Parse(
            """{"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_1","tenant":"dev"},"deploy":{"image":"localhost/web:1"},"ts":"2026-11-20T12:00:00Z"}"""), SignedSpans.Kid, gate._key);
        await gate.AppendAsync(gate.Sign("minicontainer.apply", "contract", Subject, json => json.WriteRawValue($$"""{"kind":"minicontainer/manifest.v1","manifest":{{Text(manifest)}}}""")));
        var now = DateTimeOffset.UtcNow;
        var proof = new ProofDraft { Intent = "deploy.allow", Tenant = Tenant, Subject = Subject, Ts = now, Exp = now.AddMinutes(14) }.Sign(SignedSpans.Kid, gate._key);
        await gate.AppendAsync(gate.Sign("wallet.proof.submit", "decision", Subject, json => json.WriteRawValue($$"""{"kind":"wallet/proof.v1","proof":{{Text(proof)}}}""")));
        gate._deploy = gate.Sign("deploy.apply", "function", Subject, json => json.WriteRawValue(
            $$"""{"kind":"deploy/apply.v1","ref":"{{MiniContainerRef.Of(Tenant, "web", manifest.Root)}}","target":{"provider":"idle","service":"web"} }"""), size: 1024);
        return gate;
    }

    /// <summary>Rows 1 to 3 without HTTP: the body, canonical and as a tree.</summary>
    public CanonicalJson Read() => CanonicalJson.Parse(_deploy);

    /// <summary>Holds the deploy against its two schemas: the span's and its payload's.</summary>
    public void Validate()
    {
        var span = _span ??= SpanDocument.View(Read());
        if (_catalogue.Span.Validate(span.Root).Count + _catalogue.Find("deploy.apply")!.Payload.Validate(span.Payload, "/payload").Count > 0)
        {
            throw new InvalidOperationException("The deploy is not valid.");
        }
    }

    /// <summary>Admits the deploy.</summary>
    public void Admit()
    {
        using var verdict = Judge(_deploy);
        if (verdict.Items[0].Admitted is null)
        {
            throw new InvalidOperationException("The deploy was refused: " + verdict.Items[0].Refused?.Detail);
        }
    }

    private async Task AppendAsync(byte[] span)
    {
        using var verdict = Judge(span);
        var append = verdict.ToAppend([null]) ?? throw new InvalidOperationException($"Refused: {verdict.Items[0].Refused?.Detail} {string.Join("; ", verdict.Items[0].Refused?.Errors.Select(error => error.Path + " " + error.Message) ?? [])}");
        if ((await _ledger.AppendAsync(append)!).Conflict is { } conflict)
        {
            throw new InvalidOperationException($"Refused at the commit: {conflict}");
        }
    }

    private GateVerdict Judge(byte[] body)
    {
        var now = TimeProvider.System.GetUtcNow();
        var judging = _gate.JudgeAsync(new Submission
        {
            Principal = _principal,
            Env = "dev",
            Method = "POST",
            Path = "/v1/spans",
            Body = CanonicalJson.Parse(body),
            ReceivedAt = now,
            TraceId = "0af7651916cd43dd8448eb211c80319c",
            Nonce = (++_nonce).ToString("x16"),
            Timestamp = Timestamps.Write(now),
        }, CancellationToken.None);
        return judging.IsCompletedSuccessfully ? judging.GetAwaiter().GetResult() : throw new InvalidOperationException("The gate had to wait, or failed.", judging.AsTask().Exception);
    }

    private byte[] Sign(string intent, string entityType, string subject, Action<System.Text.Json.Utf8JsonWriter> payload, bool signed = true, int size = 0)
    {
        byte[] Make(string note)
        {
            var span = CanonicalJson.Compose(json =>
            {
                json.WriteStartObject();
                json.WriteString("schema_version", SpanDocument.SchemaVersion);
                json.WriteString("entity_type", entityType);
                json.WriteString("this", SpanDocument.ThisPrefix + Guid.CreateVersion7().ToString("D"));
                json.WriteStartObject("did");
                json.WriteString("actor", "usr_8f2c41d09b");
                json.WriteString("action", "append");
                json.WriteEndObject();
                json.WriteString("intent", intent);
                json.WriteString("subject", subject);
                json.WriteStartObject("input");
                json.WriteString("note", note);
                json.WriteEndObject();
                json.WritePropertyName("payload");
                payload(json);
                json.WriteString("ts", "2026-11-20T12:00:00.000Z");
                json.WriteEndObject();
            });
            return signed ? SpanDocument.Sign(span, SignedSpans.Kid, _key).Utf8.ToArray() : span.Utf8.ToArray();
        }
        return Make(new string('x', Math.Max(0, size - Make("").Length)));
    }

    private static string Text(CanonicalJson json) => Encoding.UTF8.GetString(json.Utf8.Span);

    public async ValueTask DisposeAsync()
    {
        await _ledger.DisposeAsync();
        _data.Dispose();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
