using System.Text;
using System.Text.RegularExpressions;
using LogLine.Api.OpenApi;
using LogLine.Fuzz.Hosting;
using LogLine.Fuzz.Mutation;

namespace LogLine.Fuzz.Targets;

/// <summary>The whole gateway but the sockets: an input is a request. What passes is committed, so that later inputs meet what earlier ones left.</summary>
internal sealed partial class HttpTarget : IFuzzTarget
{
    private static readonly string[] Headers =
    [
        "Authorization", "X-Tenant-Id", "X-Env", "X-Timestamp", "X-Nonce", "Idempotency-Key", "X-Payload-Hash", "X-Signature-Alg", "X-Signature-KeyId", "X-Signature", "Content-Type", "Accept", "traceparent", "Last-Event-ID", "Origin",
        "Content-Encoding", "Range", "If-None-Match", "Expect", "Prefer",
    ];

    private static readonly string[] Values =
    [
        "ApiKey " + FuzzRequest.Token, "Bearer " + FuzzRequest.Token, "ApiKey", "ApiKey x", "Basic YTpi", "dev", "stg", "prd", "application/json", "application/json; charset=utf-8", "application/json;charset=utf-16", "text/plain", "multipart/form-data; boundary=x",
        "application/octet-stream", "2026-11-21T12:00:00Z", "2026-11-21T12:01:59Z", "2026-11-21T11:57:00Z", "0123456789abcdef", "\"quoted\"", "\"\\\"\"", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "wait=0", "wait=-1", "wait=61", "wait=1x",
        "respond-async, wait", "blake3-256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "ed25519-blake3", "kid_sign_1", "bytes=0-", "100-continue", "gzip", "*/*", "text/event-stream", "-1", "999999999999999999999",
    ];

    private FuzzGateway _gateway;

    public HttpTarget()
    {
        _gateway = FuzzGateway.Open(podman: false);
        Seeds = [.. Routes(_gateway), .. SpanSeeds.All().Select((span, i) => FuzzGateway.Post("/v1/spans", span, $"seed-of-spans-{i:0000}").Write()), .. Sentences()];
    }

    public IReadOnlyList<byte[]> Seeds { get; }

    public byte[] Mutate(byte[] input, byte[] other, Random random)
    {
        if (FuzzRequest.Parse(input) is not { } request)
        {
            return Bytes.Change(input, other, random);
        }
        var theirs = FuzzRequest.Parse(other)?.Body ?? [];
        for (var changes = 1 + random.Next(3); changes > 0; changes--)
        {
            request = random.Next(6) switch
            {
                0 => WithHeader(request, random),
                1 => request with { Target = WithTarget(request.Target, random) },
                2 when random.Next(10) == 0 => request with { Method = Pick(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "X"], random) },
                _ => request.Body.Length == 0 && random.Next(4) > 0 ? request : request with { Body = SpanSeeds.Change(request.Body, theirs, random) },
            };
        }
        // Mostly fresh and whole, so that what was changed is what is judged.
        request = request.Header("X-Nonce") is null || random.Next(10) == 0 ? request : request.With("X-Nonce", Signer.NewGuid(random).ToString("D"));
        return Resigned(request, random).Write();
    }

    public string Run(byte[] input)
    {
        if (FuzzRequest.Parse(input) is not { } request)
        {
            return "unsendable";
        }
        var answer = _gateway.Send(request);
        return answer.Status == 0 ? "aborted" : ContractAnswer.KindOf(answer.Status, answer.ContentType?.Split(';')[0], answer.Body);
    }

    public void Renew()
    {
        _gateway.Dispose();
        _gateway = FuzzGateway.Open(podman: false);
    }

    // A hash and a signature that are those of another request are judged before most of what was changed.
    private static FuzzRequest Resigned(FuzzRequest request, Random random) => (random.Next(8), request.Header("X-Signature"), request.Header("X-Payload-Hash")) switch
    {
        (0, _, _) => request,
        (1, _, _) or (_, not null, _) => Signer.SignRequest(request),
        (_, null, not null) => request.With("X-Payload-Hash", null),
        _ => request,
    };

    private static FuzzRequest WithHeader(FuzzRequest request, Random random)
    {
        var name = Pick(Headers, random);
        var value = random.Next(3) == 0 ? Printable(Words.Any(random)) : Pick(Values, random);
        return random.Next(4) switch
        {
            0 => request.With(name, null),
            1 => request with { Headers = [.. request.Headers, (name, value)] },
            2 when request.Header(name) is { } old => request.With(name, Printable(Texts.Change(old, random))),
            _ => request.With(name, value),
        };
    }

    private static string WithTarget(string target, Random random)
    {
        var word = Uri.EscapeDataString(Printable(Words.Any(random)));
        switch (random.Next(4))
        {
            case 0:
                return target + (target.Contains('?') ? "&" : "?") + Pick(["subject", "run_id", "intent", "after", "limit", "since", "tail", "grep", "state", "from", "to", "ticket"], random) + "=" + word;
            case 1:
                var slash = target.LastIndexOf('/');
                return target[..(slash + 1)] + word;
            case 2:
                return target + "/" + word;
            default:
                return string.Concat(Texts.Change(target, random).Where(c => c is > ' ' and < '\x7f' and not '#')) is ['/', ..] changed ? changed : target;
        }
    }

    private static string Printable(string text) => string.Concat(text.Where(c => !char.IsControl(c) && !char.IsSurrogate(c)));

    private static string Pick(string[] list, Random random) => list[random.Next(list.Length)];

    // Every route with the words that its documentation has for it. A stream has no end.
    private static IEnumerable<byte[]> Routes(FuzzGateway gateway)
    {
        var number = 0;
        foreach (var route in gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            if (route.Metadata.GetMetadata<RouteDoc>() is not { } words || route.RoutePattern.RawText is "/v1/stream")
            {
                continue;
            }
            var path = "/" + Slot().Replace(route.RoutePattern.RawText!.Trim('/'), slot => words.Parameters.GetValueOrDefault(slot.Groups["name"].Value)?.Example ?? "x");
            foreach (var body in Examples(words.Body))
            {
                yield return FuzzGateway.Post(path, body, $"seed-of-routes-{number++:0000}", route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0]).Write();
            }
        }
    }

    private static IEnumerable<byte[]> Examples(MediaDoc? body) => body switch
    {
        null => [[]],
        { Examples.Count: > 0 } => body.Examples.Values.Select(Encoding.UTF8.GetBytes),
        { Schema: { } schema } => Mutation.Json.Parse(File.ReadAllBytes(Words.Files.Single(file => Path.GetFileName(file) == schema + ".schema.json")))?["examples"]?.AsArray().Select(example => Mutation.Json.Write(example!)) ?? ["{}"u8.ToArray()],
        _ => ["an artifact"u8.ToArray()],
    };

    private static IEnumerable<byte[]> Sentences()
    {
        var number = 0;
        foreach (var text in (string[])["create person Joana Silva, email j@example.com, country PT, consent yes", "criar algo", "status of run_00000000000000000000000000000000", "aplicar manifesto"])
        {
            foreach (var dry in (string[])["true", "false"])
            {
                yield return FuzzGateway.Post("/v1/universal", Encoding.UTF8.GetBytes($$"""{"paragraph":"{{text}}","dry_run":{{dry}},"ctx":{"country":"PT"},"span":{} }"""), $"seed-of-sentences-{number++:0000}").Write();
            }
        }
    }

    [GeneratedRegex(@"\{\*{0,2}(?<name>[A-Za-z]+)[^}]*\}")]
    private static partial Regex Slot();

    public void Dispose() => _gateway.Dispose();
}
