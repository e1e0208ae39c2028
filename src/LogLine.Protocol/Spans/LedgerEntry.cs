using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Spans;

/// <summary>
/// What one leaf of the ledger is made of (contract, section 9): canonical
/// <c>{"env","hash","kid"|null,"principal","received_at","tenant","this","v":1}</c>. Intent and subject are in the span only, so that its
/// content can be erased later without breaking a proof.
/// </summary>
/// <param name="Env">dev, stg or prd.</param>
/// <param name="Hash"><c>blake3:…</c> of the canonical stored span, signature included.</param>
/// <param name="Kid">The span's signer, else the request's, else null.</param>
/// <param name="Principal">Id of the token that brought it, or of the gateway itself.</param>
/// <param name="ReceivedAt">RFC 3339.</param>
/// <param name="Tenant">The tenant.</param>
/// <param name="This">Name of the span.</param>
public sealed record LedgerEntry(string Env, string Hash, string? Kid, string Principal, string ReceivedAt, string Tenant, string This)
{
    /// <summary>The canonical bytes. No member can need an escape: each has been held to its pattern before.</summary>
    public byte[] ToUtf8()
    {
        var kid = Kid is null ? "null" : $"\"{Kid}\"";
        return Encoding.ASCII.GetBytes(
            $$"""{"env":"{{Env}}","hash":"{{Hash}}","kid":{{kid}},"principal":"{{Principal}}","received_at":"{{ReceivedAt}}","tenant":"{{Tenant}}","this":"{{This}}","v":1}""");
    }

    /// <summary>Reads an entry; false unless it has exactly these members and version 1.</summary>
    public static bool TryParse(JsonElement json, out LedgerEntry entry)
    {
        entry = null!;
        if (json.Text("env") is not { } env || json.Text("hash") is not { } hash || json.Text("principal") is not { } principal
            || json.Text("received_at") is not { } receivedAt || json.Text("tenant") is not { } tenant || json.Text("this") is not { } name
            || json.Integer("v") != 1 || json.EnumerateObject().Count() != 8 || !json.TryGetProperty("kid", out var kid)
            || kid.ValueKind is not (JsonValueKind.Null or JsonValueKind.String))
        {
            return false;
        }
        entry = new LedgerEntry(env, hash, kid.GetString(), principal, receivedAt, tenant, name);
        return true;
    }
}
