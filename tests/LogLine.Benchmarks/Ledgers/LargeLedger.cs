using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Tenants;
using LogLine.Benchmarks.Spans;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.Extensions.Logging.Abstractions;

namespace LogLine.Benchmarks.Ledgers;

/// <summary>A data folder with many signed spans of 1 KiB, written through the ledger's own door, as a gateway would leave it.</summary>
internal sealed class LargeLedger : IDisposable
{
    private const string Tenant = "dev";
    private const int AtOnce = 2_000;
    private readonly ApiToken _token = ApiToken.Create("tok_benchmark", Tenant, ["*"], "dev");

    private LargeLedger()
    {
    }

    /// <summary>Registered as <see cref="SignedSpans.Kid"/>; the spans are signed by it.</summary>
    public SigningKey Key { get; } = SigningKey.Generate();

    /// <summary>A token for everything.</summary>
    public string ApiKey => _token.Value;

    public string Folder { get; } = Directory.CreateTempSubdirectory("logline-large-").FullName;

    /// <summary>Bytes of the database.</summary>
    public long Bytes => new FileInfo(Path.Combine(Folder, DataFolder.DatabaseName)).Length;

    /// <summary>Makes it.</summary>
    /// <param name="count">How many spans.</param>
    /// <param name="declared">How many MiniContainers are declared, each twice, before all other spans.</param>
    public static async Task<LargeLedger> MakeAsync(int count, int declared = 0)
    {
        var made = new LargeLedger();
        var key = made.Key;
        using var data = DataFolder.Open(made.Folder);
        await using var ledger = await SqliteLedger.OpenAsync(data, TimeProvider.System, AtOnce, NullLogger<SpanLedger>.Instance);
        var now = TimeProvider.System.GetUtcNow();
        await ledger.Store.TryInsertFirstTenantAsync(new TenantRow(Tenant, now), made._token.Row);
        await AppendAsync(ledger, [Registration(key, now)]);
        for (var i = 0; i < 2 * declared; i++)
        {
            await AppendAsync(ledger, [Declaration(i % declared, now)]);
        }
        for (var left = count; left > 0; left -= AtOnce)
        {
            await AppendAsync(ledger, [.. SignedSpans.Sign(key, Math.Min(AtOnce, left)).Select(bytes => Admit(SpanDocument.View(CanonicalJson.Parse(bytes)), SignedSpans.Kid, now, []))]);
        }
        return made;
    }

    private static async Task AppendAsync(SpanLedger ledger, IReadOnlyList<AdmittedSpan> spans)
    {
        var until = TimeProvider.System.GetUtcNow().AddMinutes(5);
        await Task.WhenAll(spans.Select(span => ledger.AppendAsync(new AppendRequest { Tenant = Tenant, Spans = [span], Nonce = (Guid.NewGuid().ToString("N"), until) })
            ?? throw new InvalidOperationException("The queue is full.")));
    }

    private static AdmittedSpan Registration(SigningKey key, DateTimeOffset now)
    {
        string[] usage = ["sign"];
        var span = SpanDocument.View(new SpanDraft
        {
            Intent = "wallet.key.register", Subject = "urn:wallet:" + Tenant, EntityType = "decision", Actor = "usr_benchmark", Ts = now, Id = Guid.CreateVersion7(),
            Payload = json =>
            {
                json.WriteString("kind", "wallet/key.v1");
                json.WriteString("kid", SignedSpans.Kid);
                json.WriteString("pub", key.PublicKeyHex);
                json.WriteStartArray("usage");
                json.WriteStringValue(usage[0]);
                json.WriteEndArray();
                json.WriteString("pop", Possession.Sign(key, Tenant, SignedSpans.Kid, key.PublicKeyHex, usage));
            },
        }.Build());
        return Admit(span, null, now, [new LedgerEffect.KeyRegistered(new KeyRow(Tenant, SignedSpans.Kid, key.PublicKey.ToArray(), usage, KeyStatus.Active))]);
    }

    private static AdmittedSpan Declaration(int number, DateTimeOffset now) => Admit(
        SpanDocument.View(new SpanDraft
        {
            Intent = "minicontainer.applied", Subject = $"urn:minicontainer:{Tenant}/m{number:D6}", EntityType = "contract", Actor = "usr_benchmark", Ts = now, Id = Guid.CreateVersion7(),
            Payload = json =>
            {
                json.WriteString("ref", $"mc:{Tenant}/m{number:D6}@blake3:{new string('0', 64)}");
                json.WriteBoolean("changed", true);
                json.WriteString("span", $"urn:span:{Guid.CreateVersion7()}");
            },
        }.Build()), null, now, []);

    private static AdmittedSpan Admit(SpanDocument span, string? kid, DateTimeOffset now, IReadOnlyList<LedgerEffect> effects) => AdmittedSpan.Admit(
        new LedgerEntry("dev", span.Hash, kid, "tok_benchmark", Timestamps.Write(now), Tenant, span.This!), span, new byte[32], """{"trace_id":"0af7651916cd43dd8448eb211c80319c","repaired":[]}"""u8.ToArray(), effects, [], null, kid is null ? [] : [kid]);

    public void Dispose()
    {
        Key.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
