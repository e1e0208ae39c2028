using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Api.Errors;
using LogLine.Api.Gate;
using LogLine.Api.Tenants;
using LogLine.Fuzz.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Fuzz.Targets;

/// <summary>The gate on a ledger that knows a key, a manifest and a proof: an input is a body of <c>/v1/spans</c>. Nothing is committed, so every input meets the same state.</summary>
internal sealed class GateTarget : IFuzzTarget
{
    private static readonly TenantPrincipal Principal = new("tok_fuzz", Signer.Tenant, "dev", ["*"]);
    private readonly FuzzGateway _gateway = FuzzGateway.Open(podman: true);
    private readonly TdlnGate _gate;

    public GateTarget() => _gate = _gateway.Services.GetRequiredService<TdlnGate>();

    public IReadOnlyList<byte[]> Seeds { get; } = SpanSeeds.All();

    public byte[] Mutate(byte[] input, byte[] other, Random random) => SpanSeeds.Change(input, other, random);

    public string Run(byte[] input)
    {
        if (!CanonicalJson.TryRead(input, out var body, out var fault))
        {
            return "malformed " + JsonTarget.Kind(fault.Message);
        }
        var submission = new Submission
        {
            Principal = Principal, Env = "dev", Method = "POST", Path = "/v1/spans", Body = body, ReceivedAt = FuzzGateway.Now, TraceId = "0af7651916cd43dd8448eb211c80319c",
            Nonce = "0123456789abcdef", Timestamp = Timestamps.Write(FuzzGateway.Now),
        };
        var kind = "";
        if (!_gateway.Run(async () => kind = await JudgeAsync(submission), () => { }))
        {
            throw new BrokenPromiseException("The gate does not end.");
        }
        return kind;
    }

    private async Task<string> JudgeAsync(Submission submission)
    {
        using var verdict = await _gate.JudgeAsync(submission, CancellationToken.None);
        var kinds = verdict.Items.Select(item => item.Refused is { } refused ? Refused(refused) : item.Admitted is { } admitted ? "admitted " + admitted.Span.Intent + (admitted.RunId is null ? "" : " run") : "replay").ToList();
        return verdict.Items.Count == 1 ? kinds[0] : "array " + string.Join(';', kinds.Select(kind => kind.Split(' ')[0]).Distinct().Take(8));
    }

    private static string Refused(Rejection refused)
    {
        var json = JsonBytes.Write(writer => RefusalAnswers.WriteItem(writer, refused, "0af7651916cd43dd8448eb211c80319c"));
        using var answer = JsonDocument.Parse(json);
        return ContractAnswer.KindOfItem(answer.RootElement, refused.Code.Meaning().Status);
    }

    public void Renew()
    {
    }

    public void Dispose() => _gateway.Dispose();
}

/// <summary>Spans to begin with, and how they are changed: the catalogue's examples, complete and signed, alone and in arrays.</summary>
internal static class SpanSeeds
{
    /// <summary>Every intent of the catalogue: as a client sends it, and signed; a deploy that is let through; an array of some.</summary>
    public static IReadOnlyList<byte[]> All()
    {
        var random = new Random(1);
        var examples = FuzzGateway.Catalogue.All.Select(intent => IntentExample.Of(intent, Signer.Tenant)).OfType<CanonicalJson>().Select(example => Mutation.Json.Parse(example.Utf8.Span)!).ToList();
        examples.Add(JsonNode.Parse($$"""{"intent":"deploy.apply","subject":"urn:minicontainer:dev/web","payload":{"ref":"{{FuzzGateway.Ref}}","target":{"provider":"podman","service":"web"} } }""")!);
        examples.Add(JsonNode.Parse($$"""{"intent":"deploy.plan","subject":"urn:minicontainer:dev/web","payload":{"ref":"{{FuzzGateway.Ref}}","target":{"provider":"docker","service":"web"} } }""")!);
        var signed = examples.Select(example => Signer.SignAll(example.DeepClone(), random)).ToList();
        return
        [
            .. examples.Concat(signed).Select(Mutation.Json.Write),
            Mutation.Json.Write(new JsonArray([.. examples.Take(20).Select(example => example.DeepClone())])),
            Mutation.Json.Write(new JsonArray([.. signed.TakeLast(20).Select(example => example.DeepClone())])),
        ];
    }

    /// <summary>Changes a body; half of the time what was signed is signed again.</summary>
    public static byte[] Change(byte[] input, byte[] other, Random random)
    {
        var changed = Mutation.Json.Change(input, other, random);
        if (random.Next(20) == 0 && Mutation.Json.Parse(input) is { } one && Mutation.Json.Parse(other) is { } two)
        {
            return Mutation.Json.Write(new JsonArray(one, two));
        }
        return random.Next(2) == 0 && Mutation.Json.Parse(changed) is { } span ? Mutation.Json.Write(Signer.SignAll(span, random)) : changed;
    }
}
