using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Protocol.Json;

namespace LogLine.Fuzz.Targets;

/// <summary>Holds an answer to the contract, section 5, and says of which kind it is.</summary>
internal static class ContractAnswer
{
    private const int MaxKind = 240;
    private static readonly Dictionary<string, RefusalMeaning> Codes = Enum.GetValues<RefusalCode>().Select(code => code.Meaning()).ToDictionary(meaning => meaning.Wire);
    private static readonly string[] ProblemMembers = ["type", "title", "status", "detail", "code", "trace_id", "retryable", "details"];

    /// <summary>The kind of an HTTP answer: status and code first, then where and why.</summary>
    /// <exception cref="BrokenPromiseException">It is a 500, or none that the contract has.</exception>
    public static string KindOf(int status, string? type, ReadOnlyMemory<byte> body)
    {
        var json = type is "application/json" or "application/problem+json" ? Parse(body) : default;
        if (status < 400)
        {
            return status is >= 200 and < 400 ? Cut($"{status} {type} {Shape(json)}") : throw new BrokenPromiseException($"Status {status}.");
        }
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new BrokenPromiseException($"{status} has no problem document but {body.Length} bytes of '{type}'.");
        }
        var isProblem = json.Text("code") is not ("422_TDLN_INVALID" or "422_SCHEMA_INVALID");
        if (isProblem != (type == "application/problem+json"))
        {
            throw new BrokenPromiseException($"{json.Text("code")} comes as '{type}'.");
        }
        return Refusal(json, status);
    }

    /// <summary>The kind of an item of an array, or of a dry run: a decision as it is, a problem in an envelope.</summary>
    public static string KindOfItem(JsonElement item, int status) => item.Text("status") == "error" ? Refusal(item.Member("problem"), status) : Refusal(item, status);

    private static string Refusal(JsonElement answer, int status)
    {
        var code = answer.Text("code") ?? throw new BrokenPromiseException("A refusal without a code: " + answer);
        if (!Codes.TryGetValue(code, out var meaning) || meaning.Status != status || code == "500_INTERNAL")
        {
            throw new BrokenPromiseException($"Status {status} with the code {code}: {answer}");
        }
        if (answer.Text("trace_id") is not { Length: 32 })
        {
            throw new BrokenPromiseException("A refusal without a trace id: " + answer);
        }
        return Cut($"{code} " + (code is "422_TDLN_INVALID" or "422_SCHEMA_INVALID" ? Decision(answer) : Problem(answer)));
    }

    private static string Problem(JsonElement problem)
    {
        if (ProblemMembers.FirstOrDefault(name => problem.Member(name).ValueKind == JsonValueKind.Undefined) is { } missing)
        {
            throw new BrokenPromiseException($"A problem without {missing}: {problem}");
        }
        return JsonTarget.Kind(problem.Text("detail")!) + Shape(problem.Member("details")) + problem.Member("details").Text("reason") + problem.Member("details").Text("rule");
    }

    private static string Decision(JsonElement decision)
    {
        var (errors, missing) = (decision.Items("errors").ToList(), decision.Texts("missing_fields"));
        var holds = decision.Text("suggested_reply") is { Length: > 0 } && decision.Text("status") switch
        {
            "invalid" => errors.Count > 0 && missing.Count == 0,
            "need_more" => missing.Count > 0 && missing.All(field => decision.Member("why").Text(field) is { Length: > 0 }) && decision.Member("partial_span").ValueKind == JsonValueKind.Object,
            _ => false,
        };
        return holds
            ? string.Join(' ', errors.Select(error => error.Text("keyword") + WithoutDigits(error.Text("path")!)).Concat(missing).Distinct().Take(2))
            : throw new BrokenPromiseException("A decision that says too little: " + decision);
    }

    private static string Shape(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(',', value.EnumerateObject().Take(12).Select(member => member.Name is "status" ? member.Name + member.Value : member.Name)) + "}",
        JsonValueKind.Array => "[" + value.EnumerateArray().Select(Shape).FirstOrDefault() + "]",
        _ => "",
    };

    private static JsonElement Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(body).RootElement;
        }
        catch (JsonException)
        {
            throw new BrokenPromiseException("The answer says that it is JSON, and is not.");
        }
    }

    private static string WithoutDigits(string path) => string.Concat(path.Where(c => !char.IsDigit(c)));

    private static string Cut(string kind) => kind.Length > MaxKind ? kind[..MaxKind] : kind;
}
