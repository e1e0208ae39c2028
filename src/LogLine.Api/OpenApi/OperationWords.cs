using System.Net;
using System.Text.Json.Nodes;
using LogLine.Api.Errors;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LogLine.Api.OpenApi;

/// <summary>Puts what a <see cref="RouteDoc"/> says into its operation. Parameters come from the route itself, so that none can be invented or forgotten.</summary>
internal sealed class OperationWords(ComponentSchemas schemas) : IOpenApiOperationTransformer
{
    private const string Problem = "application/problem+json";

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<RouteDoc>().LastOrDefault() is { } words)
        {
            Fill(operation, words, context.Description.RelativePath!, context.Document!);
        }
        return Task.CompletedTask;
    }

    private void Fill(OpenApiOperation operation, RouteDoc words, string path, OpenApiDocument document)
    {
        operation.OperationId = words.Id;
        operation.Summary = words.Summary;
        operation.Description = words.Description;
        operation.Tags = new HashSet<OpenApiTagReference> { new(words.Tag, document) };
        operation.Security = words.Access == RouteAccess.Anyone ? [] : SecurityWords.Required(document);
        operation.Parameters = [.. Parameters(operation, words, path), .. HeaderWords.Of(words.Access).Select(name => new OpenApiParameterReference(name, document))];
        operation.RequestBody = words.Body is null ? null : new OpenApiRequestBody { Required = true, Content = Content(document, words.Body) };
        operation.Responses = [];
        foreach (var answer in words.Answers)
        {
            operation.Responses[$"{answer.Status}"] = new OpenApiResponse
            {
                Description = answer.Description,
                Content = Content(document, answer.Bodies),
                Headers = words.Access == RouteAccess.Writer ? HeaderWords.OfAcks(document) : null,
            };
        }
        foreach (var codes in words.AllRefusals.GroupBy(code => code.Meaning().Status).OrderBy(codes => codes.Key))
        {
            operation.Responses[$"{codes.Key}"] = Refusal(document, [.. codes]);
        }
    }

    private static IEnumerable<IOpenApiParameter> Parameters(OpenApiOperation operation, RouteDoc words, string path)
    {
        var bound = (operation.Parameters ?? []).OfType<OpenApiParameter>().ToDictionary(found => found.Name!.TrimStart('*'), found => found.In!.Value);
        // A handler of the context alone binds nothing; what its path has slots for it takes out of the route's values.
        foreach (var name in words.Parameters.Keys.Where(name => path.Contains($"{{{name}}}", StringComparison.Ordinal) || path.Contains($"*{name}}}", StringComparison.Ordinal)))
        {
            bound.TryAdd(name, ParameterLocation.Path);
        }
        if (bound.Keys.Except(words.Parameters.Keys).Concat(words.Parameters.Keys.Except(bound.Keys)).FirstOrDefault() is { } odd)
        {
            throw new InvalidOperationException($"{words.Id}: '{odd}' is either no parameter of the route or not said in its {nameof(RouteDoc)}.");
        }
        foreach (var (name, where) in bound)
        {
            yield return HeaderWords.Parameter(name, where, words.Parameters[name]);
        }
        foreach (var (name, known) in words.Query)
        {
            yield return HeaderWords.Parameter(name, ParameterLocation.Query, known);
        }
        foreach (var (name, known) in words.Headers)
        {
            yield return HeaderWords.Parameter(name, ParameterLocation.Header, known);
        }
    }

    private Dictionary<string, OpenApiMediaType> Content(OpenApiDocument document, params MediaDoc[] bodies) => bodies.ToDictionary(body => body.Type, body => Media(document, body));

    private OpenApiMediaType Media(OpenApiDocument document, MediaDoc body) => body == MediaDoc.Bytes
        ? new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } }
        : body.Schema is null ? new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Example = JsonValue.Create(body.Examples.Values.Single()) }
        : new OpenApiMediaType
        {
            Schema = new OpenApiSchemaReference(ComponentSchemas.Pascal(body.Schema), document),
            Example = body.Examples.Count == 0 ? schemas.Example(body.Schema) : null,
            Examples = body.Examples.Count == 0 ? null : body.Examples.ToDictionary(example => example.Key, example => (IOpenApiExample)new OpenApiExample { Value = JsonNode.Parse(example.Value) }),
        };

    /// <summary>The answer of one status: each code of the table that has it, with an example.</summary>
    private IOpenApiResponse Refusal(OpenApiDocument document, IReadOnlyList<RefusalCode> codes)
    {
        var response = new OpenApiResponse
        {
            Description = string.Join("\n\n", codes.Select(code => code.Meaning()).Select(meaning => $"`{meaning.Wire}`: {meaning.Title}. {meaning.Way}")),
            Content = new Dictionary<string, OpenApiMediaType>(),
            Headers = HeaderWords.OfRefusals(document, codes[0]),
        };
        var decisions = codes.Where(code => code is RefusalCode.TdlnInvalid or RefusalCode.SchemaInvalid).Select(code => code == RefusalCode.TdlnInvalid ? "need-more" : "invalid").ToList();
        if (decisions.Count > 0)
        {
            response.Content["application/json"] = new OpenApiMediaType
            {
                Schema = OneOf([.. decisions.Select(name => new OpenApiSchemaReference(ComponentSchemas.Pascal(name), document))]),
                Examples = decisions.ToDictionary(name => name, name => (IOpenApiExample)new OpenApiExample { Value = schemas.Example(name) }),
            };
        }
        var problems = codes.Where(code => code is not (RefusalCode.TdlnInvalid or RefusalCode.SchemaInvalid)).ToList();
        if (problems.Count > 0)
        {
            response.Content[Problem] = new OpenApiMediaType
            {
                Schema = new OpenApiSchemaReference("Problem", document),
                Examples = problems.ToDictionary(code => code.Meaning().Wire, code => (IOpenApiExample)new OpenApiExampleReference(code.Meaning().Wire, document)),
            };
        }
        return response;
    }

    private static IOpenApiSchema OneOf(IList<IOpenApiSchema> schemas) => schemas.Count == 1 ? schemas[0] : new OpenApiSchema { OneOf = schemas };
}
