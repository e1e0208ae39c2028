using System.Text;
using System.Text.Json;
using LogLine.Api.Ledger;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tenants;

/// <summary>
/// First start: tenant <c>dev</c> with one token of scope <c>*</c>, written to <c>bootstrap.json</c> (0600). The file is written before the rows, so a
/// crash in between leaves no tenant without a token; and its address is made true once the server listens.
/// </summary>
public static class Bootstrap
{
    /// <summary>The tenant of a new folder.</summary>
    public const string Tenant = TenantRow.First;

    /// <summary>Makes tenant and token when there is none yet.</summary>
    public static async Task InitialiseAsync(DataFolder folder, SpanLedger ledger, ServerIdentity identity, TimeProvider time)
    {
        if (await ledger.Store.HasTenantsAsync())
        {
            return;
        }
        var token = ApiToken.Create(ApiToken.NewId(), Tenant, ["*"], "dev");
        PrivateFile.Write(Pending(folder), Compose("", token.Value, identity));
        await ledger.Store.TryInsertFirstTenantAsync(new TenantRow(Tenant, time.GetUtcNow()), token.Row);
    }

    /// <summary>Publishes the file with the address at which the server listens now. A file that somebody removed stays away.</summary>
    public static void Publish(DataFolder folder, string baseUrl, ServerIdentity identity)
    {
        var source = File.Exists(Pending(folder)) ? Pending(folder) : folder.BootstrapFile;
        if (!File.Exists(source) || Read(source) is not { } token)
        {
            return;
        }
        var content = Compose(baseUrl, token, identity);
        if (!File.Exists(folder.BootstrapFile) || File.ReadAllText(folder.BootstrapFile) != content)
        {
            PrivateFile.Write(folder.BootstrapFile, content);
        }
        File.Delete(Pending(folder));
    }

    private static string Pending(DataFolder folder) => folder.BootstrapFile + ".pending";

    private static string? Read(string path) =>
        CanonicalJson.TryRead(File.ReadAllBytes(path), out var json, out _) ? json.Root.Text("api_key") : null;

    private static string Compose(string baseUrl, string apiKey, ServerIdentity identity)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("base_url", baseUrl);
            json.WriteString("tenant", Tenant);
            json.WriteString("api_key", apiKey);
            json.WriteString("server_kid", identity.LogKid);
            json.WriteString("server_public_key", identity.LogPublicKey);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
