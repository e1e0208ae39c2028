using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Keys;

/// <summary>The payload of <c>wallet.key.register</c> (contract, section 6): the public half and the proof that the private one is here.</summary>
internal static class KeyRegistration
{
    public static readonly SpanForm Form = new("wallet.key.register", "decision", "wallet/key.v1");

    /// <summary>A key's id when nobody chose one: made from the key itself.</summary>
    public static string DefaultKid(SigningKey key) => $"kid_{key.PublicKeyHex[..16]}";

    /// <summary>Writes the members but <c>kind</c>.</summary>
    public static void WritePayload(Utf8JsonWriter json, string tenant, string kid, SigningKey key, IReadOnlyList<string> usage)
    {
        json.WriteString("kid", kid);
        json.WriteString("pub", key.PublicKeyHex);
        json.WriteStartArray("usage");
        foreach (var use in usage)
        {
            json.WriteStringValue(use);
        }
        json.WriteEndArray();
        json.WriteString("pop", Possession.Sign(key, tenant, kid, key.PublicKeyHex, usage));
    }
}
