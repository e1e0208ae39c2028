using System.Text.Json;
using System.Text.RegularExpressions;
using LogLine.Api.OpenApi;
using LogLine.Api.Tests.Checkout;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Schema;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.OpenApi;

/// <summary>Makes a request of what a route's words say, and holds the answer to them.</summary>
internal sealed partial class DocumentedAnswers(TestGateway gateway, IReadOnlyDictionary<string, string> values)
{
    private static readonly Dictionary<string, JsonElement> Schemas = Read();
    private static readonly SchemaRegistry Registry = Fill();

    /// <summary>The binary content that is sent.</summary>
    public static readonly byte[] Bytes = "an artifact"u8.ToArray();

    /// <summary>Every route with its words.</summary>
    public IEnumerable<(string Method, string Pattern, RouteDoc Words)> Routes => gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Select(route => (route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods[0], "/" + route.RoutePattern.RawText!.Trim('/'), route.Metadata.GetMetadata<RouteDoc>()!));

    /// <summary>The request of a route: its path with values for the slots, and the first example as its body.</summary>
    public HttpRequestMessage Request(string method, string pattern, RouteDoc words)
    {
        var path = Slot().Replace(pattern, slot => values.TryGetValue($"{words.Id}.{slot.Groups["name"].Value}", out var own) || values.TryGetValue(slot.Groups["name"].Value, out own)
            ? own
            : throw new InvalidOperationException($"{words.Id}: give '{slot.Groups["name"].Value}' a value in AnswersTests"));
        var query = string.Join('&', words.Parameters.Concat(words.Query).Where(parameter => parameter.Value.Required && !pattern.Contains($"{{{parameter.Key}}}", StringComparison.Ordinal))
            .Select(parameter => $"{parameter.Key}={Uri.EscapeDataString(parameter.Value.Example!)}"));
        var request = new HttpRequestMessage(new HttpMethod(method), query.Length > 0 ? $"{path}?{query}" : path);
        if (words.Access == RouteAccess.Writer)
        {
            request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
            request.Headers.Add("X-Timestamp", Protocol.Spans.Timestamps.Write(gateway.Time.GetUtcNow()));
        }
        if (words.Body == MediaDoc.Bytes)
        {
            request.Content = new ByteArrayContent(Bytes) { Headers = { ContentType = new(MediaDoc.Bytes.Type) } };
        }
        else if (words.Body is { } body)
        {
            var example = body.Examples.Count > 0 ? body.Examples.Values.First() : Schemas[body.Schema!].GetProperty("examples")[0].GetRawText();
            request.Content = new StringContent(example, System.Text.Encoding.UTF8, body.Type);
        }
        return request;
    }

    /// <summary>What is not as the words say, or null.</summary>
    public static async Task<string?> FaultAsync(RouteDoc words, HttpResponseMessage answer)
    {
        var type = answer.Content.Headers.ContentType?.MediaType;
        if (words.Answers.FirstOrDefault(one => one.Status == (int)answer.StatusCode) is not { } expected)
        {
            return $"{words.Id}: answers with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}";
        }
        if (expected.Bodies.Length == 0)
        {
            return type is null ? null : $"{words.Id}: has a body, {type}";
        }
        if (Array.Find(expected.Bodies, body => body.Type == type) is not { } media)
        {
            return $"{words.Id}: answers with {type}";
        }
        return media.Schema is null ? null : Fault(words.Id, media.Schema, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>What of a body is not as its component says, or null.</summary>
    public static string? Fault(string id, string schema, string body)
    {
        using var json = JsonDocument.Parse(body);
        var errors = JsonSchema.Load(Schemas[schema], Registry).Validate(json.RootElement);
        return errors.Count == 0 ? null : $"{id}: {string.Join("; ", errors.Select(error => $"{error.Path} {error.Message}"))}";
    }

    private static Dictionary<string, JsonElement> Read() => Directory.EnumerateFiles(Repository.At("schemas"), "*.schema.json", SearchOption.AllDirectories)
        .ToDictionary(file => Path.GetFileName(file)[..^".schema.json".Length], file => JsonDocument.Parse(File.ReadAllBytes(file)).RootElement);

    private static SchemaRegistry Fill()
    {
        var registry = new SchemaRegistry();
        foreach (var schema in Schemas.Values)
        {
            registry.Add(schema);
        }
        return registry;
    }

    [GeneratedRegex(@"\{\*{0,2}(?<name>\w+)[^}]*\}")]
    private static partial Regex Slot();
}
