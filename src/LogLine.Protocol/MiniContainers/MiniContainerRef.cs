using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.MiniContainers;

/// <summary>
/// <c>mc:&lt;tenant&gt;/&lt;name&gt;@blake3:&lt;64 hex&gt;</c>: names a MiniContainer and the exact manifest (contract, section 7). The hash is of the
/// canonical manifest, provenance included. It is its text; the parts are looked up in it.
/// </summary>
public sealed record MiniContainerRef
{
    /// <summary>How the full form looks, for messages.</summary>
    public const string Form = "mc:<tenant>/<name>@blake3:<64 hex characters>";

    private const string Scheme = "mc:";
    private const string SubjectScheme = "urn:minicontainer:";
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");
    private readonly string _text;
    private readonly int _at;

    private MiniContainerRef(string text, int slash, int at)
    {
        (_text, _at) = (text, at);
        Tenant = text[Scheme.Length..slash];
        Name = text[(slash + 1)..at];
    }

    /// <summary>The ref of these parts, each of which has its form.</summary>
    public MiniContainerRef(string tenant, string name, string hash)
    {
        (Tenant, Name) = (tenant, name);
        _text = $"{Scheme}{tenant}/{name}@{hash}";
        _at = _text.Length - hash.Length - 1;
    }

    /// <summary>The tenant.</summary>
    public string Tenant { get; }

    /// <summary>Name of the MiniContainer.</summary>
    public string Name { get; }

    /// <summary><c>blake3:&lt;64 hex&gt;</c>, of the manifest.</summary>
    public string Hash => field ??= _text[(_at + 1)..];

    /// <summary><c>urn:minicontainer:&lt;tenant&gt;/&lt;name&gt;</c>.</summary>
    public string Subject => Identifiers.MiniContainerSubject(Tenant, Name);

    /// <summary>The ref of a signed manifest that is applied under <paramref name="name"/>.</summary>
    public static MiniContainerRef Of(string tenant, string name, System.Text.Json.JsonElement manifest) =>
        new(tenant, name, ContentHash.Of(CanonicalJson.BytesOf(manifest)));

    /// <summary>Reads the full form; a shorter hash is not a ref.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out MiniContainerRef? reference)
    {
        reference = null;
        if (text is null || !text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return false;
        }
        var slash = text.IndexOf('/');
        var at = text.IndexOf('@');
        if (slash < 0 || at < slash || !Identifiers.IsTenant(text.AsSpan(Scheme.Length, slash - Scheme.Length)) || !Identifiers.IsName(text.AsSpan(slash + 1, at - slash - 1)))
        {
            return false;
        }
        var hash = text.AsSpan(at + 1);
        if (!hash.StartsWith(ContentHash.Prefix, StringComparison.Ordinal) || hash.Length != ContentHash.Prefix.Length + 64
            || hash[ContentHash.Prefix.Length..].ContainsAnyExcept(Hex))
        {
            return false;
        }
        reference = new MiniContainerRef(text, slash, at);
        return true;
    }

    /// <summary>True when <paramref name="subject"/> is the one that it names; compared in place.</summary>
    public bool IsOf(string? subject) =>
        subject is not null && subject.StartsWith(SubjectScheme, StringComparison.Ordinal) && subject.AsSpan(SubjectScheme.Length).SequenceEqual(_text.AsSpan(Scheme.Length, _at - Scheme.Length));

    /// <inheritdoc/>
    public bool Equals(MiniContainerRef? other) => other is not null && _text == other._text;

    /// <inheritdoc/>
    public override int GetHashCode() => _text.GetHashCode();

    /// <summary>The full form.</summary>
    public override string ToString() => _text;
}
