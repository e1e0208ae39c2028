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
            Fill(operation, words, context.Document!);
        }
        return Task.CompletedTask;
    }

    private void Fill(OpenApiOperation operation, RouteDoc words, OpenApiDocument document)
    {
        operation.OperationId = words.Id;
        operation.Summary = words.Summary;
        operation.Description = words.Description;
        operation.Tags = new HashSet<OpenApiTagReference> { new(words.Tag, document) };
        operation.Security = words.Access == RouteAccess.Anyone ? [] : SecurityWords.Required(document);
        operation.Parameters = [.. Parameters(operation, words), .. HeaderWords.Of(words.Access).Select(name => new OpenApiParameterReference(name, document))];
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

    private static IEnumerable<IOpenApiParameter> Parameters(OpenApiOperation operation, RouteDoc words)
    {
        foreach (var found in (operation.Parameters ?? []).OfType<OpenApiParameter>())
        {
            found.Name = found.Name!.TrimStart('*');
            if (!words.Parameters.TryGetValue(found.Name, out var known))
            {
                throw new InvalidOperationException($"{words.Id}: its {nameof(RouteDoc)} does not say what the parameter '{found.Name}' is.");
            }
            yield return HeaderWords.Parameter(found.Name, found.In!.Value, known);
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
