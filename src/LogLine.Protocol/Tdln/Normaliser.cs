using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Protocol.Tdln;

/// <summary>What a normaliser may look at beside the value.</summary>
/// <param name="Choices">Accepted spellings, for <c>choice</c>.</param>
/// <param name="Country">ISO 3166 alpha-2 for national telephone numbers, or null.</param>
internal readonly record struct ReadingContext(IReadOnlyList<string> Choices, string? Country);

/// <summary>
/// Turns a value as people write it into the one form in which it is kept. The table of all of them is <see cref="All"/>; a schema names them in
/// <c>x-logline.normalize</c>.
/// </summary>
/// <param name="Name">As in the schema.</param>
/// <param name="Distinctive">Nothing but such a value looks like one (a ref, a run id): of two phrases that match equally the one that reads it wins.</param>
/// <param name="Accepts">What it accepts, for messages.</param>
/// <param name="Read">The value as string, bool or long; null when it cannot be read.</param>
internal sealed record Normaliser(string Name, bool Distinctive, Bilingual Accepts, Func<Written, ReadingContext, object?> Read)
{
    /// <summary>All normalisers by name.</summary>
    public static readonly FrozenDictionary<string, Normaliser> All = new Normaliser[]
    {
        new("text", false, new("text", "texto"), (value, _) => value.Quoted ? value.Text : Folding.Collapse(value.Text)),
        new("word", false, new("one word", "uma palavra"), (value, _) => OneWord(value.Text)),
        new("name", false,
            new("a name of small letters, digits, '_' and '-'", "um nome de letras minúsculas, dígitos, '_' e '-'"), (value, _) => LowerName(value.Text)),
        new("email", true, new("an e-mail address", "um endereço de e-mail"), (value, _) => Email(value.Text)),
        new("country", false, new("a country: ISO 3166 code or name in English or Portuguese", "um país: código ISO 3166 ou nome em português ou inglês"), (value, _) => Countries.Find(value.Text)),
        new("person_name", false, new("a person's name", "um nome de pessoa"), (value, _) => PersonName(value)),
        new("boolean", false, new("yes or no", "sim ou não"), (value, _) => Boolean(value.Text)),
        new("integer", false, new("an integer", "um número inteiro"), (value, _) => Integer(value.Text)),
        new("choice", false, new("one of the listed values", "um dos valores listados"), (value, at) => Choice(value.Text, at.Choices)),
        new("date", false, new("a day: 17/11/2025 or 2025-11-17", "um dia: 17/11/2025 ou 2025-11-17"), (value, _) => CalendarDates.Day(value.Text.Trim())),
        new("date_time", false, new("a day (17/11/2025) or an RFC 3339 time", "um dia (17/11/2025) ou um instante RFC 3339"), (value, _) => CalendarDates.Instant(value.Text.Trim())),
        new("phone", false,
            new("a telephone number with its country code: +351 912 345 678", "um telefone com o código do país: +351 912 345 678"), (value, at) => PhoneNumbers.Write(value.Text, at.Country)),
        new("url", false, new("an http or https URL", "um URL http ou https"), (value, _) => Url(value.Text)),
        new("ref", true, new("a full reference, " + MiniContainerRef.Form, "uma referência completa, " + MiniContainerRef.Form), (value, _) => Ref(value.Text)),
        new("run_id", true, new("the id of a run, run_…", "o id de uma execução, run_…"), (value, _) => RunId(value.Text)),
        new("urn", true, new("a subject, urn:<kind>:<rest>", "um sujeito, urn:<tipo>:<resto>"), (value, _) => Urn(value.Text)),
        new("provider", false, new("a target such as podman, docker, kubernetes, railway", "um destino como podman, docker, kubernetes, railway"), (value, _) => Provider(value.Text)),
        new("person_slug", false, new("a person's name", "um nome de pessoa"), (value, _) => Slugs.OfPerson(value.Text)),
        new("slug", false, new("a name", "um nome"), (value, _) => Slugs.Of(value.Text)),
        // Read piece by piece: FieldReading.
        new("list", false, new("one or more words", "uma ou mais palavras"), (value, _) => value.Text.Length > 0 ? value.Text : null),
    }.ToFrozenDictionary(normaliser => normaliser.Name);

    private static string? OneWord(string text) => text.Length is > 0 and <= 512 && !text.Any(char.IsWhiteSpace) ? text : null;

    private static string? LowerName(string text) => text.ToLowerInvariant() is var name && Identifiers.IsName(name) ? name : null;

    private static string? PersonName(Written value)
    {
        // Marks around a name say that it is written as it should be; only so can it hold a comma.
        var text = Folding.Collapse(value.Text);
        return !value.Quoted ? PersonNames.Write(text) : text.Length > 0 && PersonNames.IsOfAName(text.Replace(",", "")) ? text : null;
    }

    private static string? Email(string text)
    {
        var address = text.Trim().ToLowerInvariant();
        if (address.StartsWith('<') && address.EndsWith('>'))
        {
            address = address[1..^1];
        }
        if (address.StartsWith("mailto:", StringComparison.Ordinal))
        {
            address = address["mailto:".Length..];
        }
        var at = address.IndexOf('@');
        return at > 0 && at == address.LastIndexOf('@') && at < address.Length - 1 && address.Length <= 254 && !address.Any(char.IsWhiteSpace) ? address : null;
    }

    private static object? Boolean(string text) => Folding.Fold(text.Trim()) switch
    {
        "sim" or "s" or "yes" or "y" or "ok" or "okay" or "true" or "1" or "verdadeiro" or "on" => true,
        "nao" or "n" or "no" or "false" or "0" or "falso" or "off" => false,
        _ => null,
    };

    private static object? Integer(string text) =>
        long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number is >= -JsonLimits.Integer and <= JsonLimits.Integer ? number : null;

    private static string? Choice(string text, IReadOnlyList<string> choices)
    {
        var folded = Folding.Fold(text.Trim());
        return choices.FirstOrDefault(choice => choice == text) ?? choices.FirstOrDefault(choice => Folding.Fold(choice) == folded);
    }

    /// <summary>Scheme and host in small letters, <c>https</c> when there is no scheme; path and query keep their case.</summary>
    private static string? Url(string text)
    {
        var url = text.Trim();
        if (url.Length is 0 or > 2_048 || url.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
        {
            return null;
        }
        var mark = url.IndexOf("://", StringComparison.Ordinal);
        var scheme = mark < 0 ? "https" : url[..mark].ToLowerInvariant();
        var rest = mark < 0 ? url : url[(mark + 3)..];
        var end = rest.IndexOfAny(['/', '?', '#']);
        var host = (end < 0 ? rest : rest[..end]).ToLowerInvariant();
        var named = host.Contains('.') || host.Contains(':') || host == "localhost";
        return scheme is "http" or "https" && named && !host.Contains('@') && host[0] is not ('.' or ':') ? $"{scheme}://{host}{(end < 0 ? "" : rest[end..])}" : null;
    }

    private static string? Ref(string text) =>
        MiniContainerRef.TryParse(text, out _) ? text : text.ToLowerInvariant() is var lower && MiniContainerRef.TryParse(lower, out _) ? lower : null;

    private static string? RunId(string text) => text.ToLowerInvariant() is var id && Identifiers.IsRunId(id) ? id : null;

    private static string? Urn(string text) =>
        Identifiers.TryParseSubject(text, out var kind, out var rest, out _) && kind.Length > 0 && rest.Length > 0 && !text.Any(char.IsWhiteSpace) ? text : null;

    /// <summary>A provider's name; which of them this gateway has is not asked here.</summary>
    private static string? Provider(string text) => text.ToLowerInvariant() switch
    {
        "k8s" or "kube" => "kubernetes",
        var name when name.Length is > 0 and <= 32 && char.IsAsciiLetterLower(name[0]) && Identifiers.IsName(name) => name,
        _ => null,
    };
}

/// <summary>Values that a normaliser has read: string, bool, long, or a list of strings.</summary>
internal static class ReadValue
{
    /// <summary>Writes one as JSON.</summary>
    public static void WriteTo(Utf8JsonWriter json, object value)
    {
        switch (value)
        {
            case bool flag: json.WriteBooleanValue(flag); break;
            case long number: json.WriteNumberValue(number); break;
            case string text: json.WriteStringValue(text); break;
            case IReadOnlyList<string> list:
                json.WriteStartArray();
                foreach (var item in list)
                {
                    json.WriteStringValue(item);
                }
                json.WriteEndArray();
                break;
        }
    }

    /// <summary>True when a JSON value says the same.</summary>
    public static bool Is(JsonElement element, object value) => value switch
    {
        bool flag => element.ValueKind == (flag ? JsonValueKind.True : JsonValueKind.False),
        long number => element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out var other) && other == number,
        string text => element.ValueKind == JsonValueKind.String && element.GetString() == text,
        IReadOnlyList<string> list => element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == list.Count
            && element.EnumerateArray().Zip(list).All(pair => pair.First.ValueKind == JsonValueKind.String && pair.First.GetString() == pair.Second),
        _ => false,
    };
}
