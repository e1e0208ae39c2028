using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Verification;

/// <summary>
/// A span as a verification needs it: who says what of what, read in one walk over its canonical bytes. Only spans that change something have their payload made a tree.
/// </summary>
internal sealed class AuditedSpan
{
    private readonly CanonicalJson _json;

    // Where the object "signature" begins; 0 when there is none.
    private readonly int _signature;

    /// <summary>Reads a span.</summary>
    public AuditedSpan(CanonicalJson json)
    {
        _json = json;
        var text = json.Utf8.Span;
        if (text[0] != (byte)'{')
        {
            return;
        }
        var members = new CanonicalMembers(text);
        while (members.MoveNext())
        {
            if (members.Is("intent"u8))
            {
                Intent = members.Text;
            }
            else if (members.Is("signature"u8))
            {
                IsSigned = true;
                _signature = members.IsObject ? members.ValueStart : 0;
            }
            else if (members.Is("subject"u8))
            {
                Subject = members.Text;
            }
            else if (members.Is("this"u8))
            {
                This = members.Text;
            }
        }
        Kid = _signature > 0 && new CanonicalMembers(text, _signature) is var signature && signature.MoveTo("kid"u8) ? signature.Text : null;
    }

    /// <summary>Its own name, <c>urn:span:&lt;uuid&gt;</c>, or null.</summary>
    public string? This { get; }

    /// <summary>The intent, or null.</summary>
    public string? Intent { get; }

    /// <summary>The subject, or null.</summary>
    public string? Subject { get; }

    /// <summary>True when it carries a signature, valid or not.</summary>
    public bool IsSigned { get; }

    /// <summary>Id of the key that its signature names, or null.</summary>
    public string? Kid { get; }

    /// <summary>What the intent needs; undefined when absent.</summary>
    public JsonElement Payload => _json.Root.Member("payload");

    /// <summary>True when its signature is the key's over this span.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> publicKey, SignatureKind kind) => _signature > 0 && SignedObject.Verify(_json.Utf8.Span, _signature, kind, publicKey);
}
