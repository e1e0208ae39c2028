using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Primitives;

/// <summary>
/// A member of a payload on the command line, by its schema: texts, numbers and flags as they are, lists by saying the option again, objects of texts as
/// <c>KEY=VALUE</c>, bytes (<c>…_b64</c>) as a file, the rest as JSON.
/// </summary>
internal sealed class MemberOption
{
    // Options that every command has, and the ones that every primitive has.
    private static readonly string[] Taken = ["json", "profile", "url", "token", "tenant", "env", "wait", "yes", "out"];

    private readonly Action<Call, Utf8JsonWriter> _write;
    private readonly Func<Call, bool> _isGiven;

    private MemberOption(string member, Symbol symbol, Func<Call, bool> isGiven, Action<Call, Utf8JsonWriter> write) => (Member, Symbol, _isGiven, _write) = (member, symbol, isGiven, write);

    /// <summary>Name in the payload.</summary>
    public string Member { get; }

    /// <summary>What stands on the command line.</summary>
    public Symbol Symbol { get; }

    /// <summary>The text of an option that takes one.</summary>
    public Func<Call, string?> Text { get; private init; } = _ => null;

    /// <summary>The option of a member.</summary>
    public static MemberOption Of(PrimitiveIntent intent, JsonProperty member)
    {
        var (name, schema) = (member.Name, member.Value);
        var required = intent.Requires(name);
        var option = Taken.Contains(name) ? "--with-" + name : "--" + name.Replace('_', '-');
        var description = Words(schema) + (name == "artifact" ? " A file or folder of this machine is packed and uploaded." : "");
        if (name == "argv")
        {
            var argv = new Argument<string[]?>("ARGV") { Arity = required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore, Description = "What to run, behind -- (… -- ls -l /). It stays on the ledger in the clear, for every reader of the tenant: no secrets." };
            return new MemberOption(name, argv, call => call.GetOptional(argv) is { Length: > 0 }, (call, json) => WriteTexts(json, call.GetOptional(argv)!));
        }
        if (name.EndsWith("_b64", StringComparison.Ordinal))
        {
            return File(name, new Option<string?>(option[..^"-b64".Length]) { HelpName = "FILE", Required = required, Description = description.Replace(", base64", "", StringComparison.OrdinalIgnoreCase) + " - is standard input." });
        }
        return TypeOf(schema) switch
        {
            "boolean" => Flag(name, new Option<bool>(option) { Description = description }),
            "integer" => Number(name, new Option<long?>(option) { HelpName = "N", Required = required, Description = description }),
            "array" when TypeOf(schema.Member("items")) == "string" => Texts(name, Choices(new Option<string[]>(option) { HelpName = "TEXT", Required = required, Description = description }, schema.Member("items"))),
            "object" when TypeOf(schema.Member("additionalProperties")) == "string" => Pairs(name, new Option<string[]>(option) { HelpName = "KEY=VALUE", Required = required, Description = description }),
            "array" or "object" => Json(name, new Option<string?>(option) { HelpName = "JSON", Required = required, Description = description.Length > 0 ? description : $"As 'logline catalog {intent.Name}' has it." }),
            "number" => Quantity(name, new Option<string?>(option) { HelpName = "VALUE", Required = required, Description = description }),
            _ => String(name, Choices(new Option<string?>(option) { HelpName = "TEXT", Required = required, Description = description }, schema)),
        };
    }

    /// <summary>Writes the member, when it is given.</summary>
    public void Write(Call call, Utf8JsonWriter json)
    {
        if (_isGiven(call))
        {
            json.WritePropertyName(Member);
            _write(call, json);
        }
    }

    private static MemberOption Flag(string name, Option<bool> option) => new(name, option, call => call.Get(option), (_, json) => json.WriteBooleanValue(true));

    private static MemberOption Number(string name, Option<long?> option) => new(name, option, call => call.Get(option) is not null, (call, json) => json.WriteNumberValue(call.Get(option)!.Value));

    private static MemberOption String(string name, Option<string?> option) =>
        new(name, option, call => call.Get(option) is not null, (call, json) => json.WriteStringValue(call.Get(option))) { Text = call => call.Get(option) };

    private static MemberOption Texts(string name, Option<string[]> option) => new(name, option, call => call.Get(option) is { Length: > 0 }, (call, json) => WriteTexts(json, call.Get(option)!));

    /// <summary>A number or a text with a unit: <c>512</c>, <c>512Mi</c>.</summary>
    private static MemberOption Quantity(string name, Option<string?> option) => new(name, option, call => call.Get(option) is not null, (call, json) =>
    {
        if (long.TryParse(call.Get(option), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            json.WriteNumberValue(number);
        }
        else
        {
            json.WriteStringValue(call.Get(option));
        }
    });

    private static MemberOption Pairs(string name, Option<string[]> option)
    {
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => token.Value.IndexOf('=') <= 0))
            {
                result.AddError($"'{token.Value}' is not KEY=VALUE.");
            }
        });
        return new MemberOption(name, option, call => call.Get(option) is { Length: > 0 }, (call, json) =>
        {
            json.WriteStartObject();
            foreach (var (key, value) in call.Get(option)!.Select(pair => pair.Split('=', 2)).GroupBy(pair => pair[0]).Select(pairs => (pairs.Key, pairs.Last()[1])))
            {
                json.WriteString(key, value);
            }
            json.WriteEndObject();
        });
    }

    private static MemberOption Json(string name, Option<string?> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !CanonicalJson.TryRead(System.Text.Encoding.UTF8.GetBytes(result.Tokens[0].Value), out _, out var fault))
            {
                result.AddError($"{option.Name}: {fault.Message}");
            }
        });
        return new MemberOption(name, option, call => call.Get(option) is not null, (call, json) => CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(call.Get(option)!)).Root.WriteTo(json));
    }

    private static MemberOption File(string name, Option<string?> option) => new(name, option, call => call.Get(option) is not null, (call, json) =>
        json.WriteBase64StringValue(InputFile.Read(call.Get(option)!, call.Shell.Input, JsonLimits.BodyBytes).Fails(out var failure, out var bytes) ? throw new CommandFailureException(failure) : bytes));

    private static T Choices<T>(T option, JsonElement schema) where T : Option
    {
        if (schema.Texts("enum") is { Count: > 0 } choices)
        {
            option.Validators.Add(result =>
            {
                foreach (var token in result.Tokens.Where(token => !choices.Contains(token.Value)))
                {
                    result.AddError($"{option.Name} is one of {string.Join(", ", choices)}, not '{token.Value}'.");
                }
            });
            option.CompletionSources.Add([.. choices]);
        }
        return option;
    }

    private static string TypeOf(JsonElement schema) => schema.Member("type").ValueKind switch
    {
        JsonValueKind.String => schema.Text("type")!,
        JsonValueKind.Array => "number",
        _ => schema.Member("enum").ValueKind == JsonValueKind.Array ? "string" : "",
    };

    private static string Words(JsonElement schema)
    {
        var words = schema.Text("description") ?? "";
        var choices = schema.Texts("enum") is { Count: > 0 } own ? own : schema.Member("items").Texts("enum");
        return string.Join(' ', new[] { words, choices.Count > 0 ? $"One of {string.Join(", ", choices)}." : "" }.Where(part => part.Length > 0));
    }

    private static void WriteTexts(Utf8JsonWriter json, IEnumerable<string> texts)
    {
        json.WriteStartArray();
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    }
}
