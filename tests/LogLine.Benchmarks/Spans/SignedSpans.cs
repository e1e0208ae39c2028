using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Benchmarks.Spans;

/// <summary>Signed spans of 1 KiB, each with a name of its own.</summary>
internal static class SignedSpans
{
    public const string Kid = "kid_sign_1";
    private const int Size = 1024;

    /// <summary>Signs <paramref name="count"/> spans.</summary>
    /// <param name="key">The key behind <see cref="Kid"/>.</param>
    /// <param name="count">How many.</param>
    /// <param name="AsSent">True for the members in an everyday order, which is not the canonical one.</param>
    public static byte[][] Sign(SigningKey key, int count, bool AsSent = false)
    {
        var unsigned = Encoding.UTF8.GetString(Draft().Utf8.Span);
        var missing = Size - Of(unsigned, key).Utf8.Length;
        var padded = unsigned.Replace("\"note\":\"", "\"note\":\"" + new string('x', missing));
        var spans = new byte[count][];
        Parallel.For(0, count, i => spans[i] = AsSent ? InEverydayOrder(Of(padded, key)) : Of(padded, key).Utf8.ToArray());
        return spans;
    }

    private static SpanDocument Of(string unsigned, SigningKey key) =>
        SpanDocument.Sign(CanonicalJson.Parse(unsigned.Replace(Name, Guid.CreateVersion7().ToString("D"))), Kid, key);

    private const string Name = "00000000-0000-0000-0000-000000000000";

    private static CanonicalJson Draft() => CanonicalJson.Parse($$"""
        {"schema_version":"1.1.0","entity_type":"contract","this":"urn:span:{{Name}}","did":{"actor":"usr_8f2c41d09b","action":"append"},"intent":"registry.person.create",
         "subject":"urn:registry:person/joana_m_silva","input":{"channel":"web","note":""},
         "payload":{"kind":"registry/person.v1","name":"Joana Maria Silva","email":"joana@example.com","country":"PT","consent":true,"phone":"+351912345678","birth_date":"1987-04-25"},
         "output":{},"ts":"2025-11-17T13:00:00.000Z"}
        """);

    private static byte[] InEverydayOrder(SpanDocument span)
    {
        var order = new[] { "schema_version", "entity_type", "this", "did", "intent", "subject", "input", "payload", "output", "ts", "signature" };
        return Encoding.UTF8.GetBytes("{" + string.Join(",", order.Select(name => $"\"{name}\":{span.Root.GetProperty(name).GetRawText()}")) + "}");
    }
}
