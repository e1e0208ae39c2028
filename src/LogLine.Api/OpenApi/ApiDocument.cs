using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LogLine.Api.Errors;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace LogLine.Api.OpenApi;

/// <summary>
/// The OpenAPI 3.1 document of this gateway: routes and their words from the code, schemas from the files that the gate judges by. It is made once, at
/// the first request. The schemas are put in as JSON, because the object model would lose what JSON Schema can say and OpenAPI 3.0 could not.
/// </summary>
internal sealed class ApiDocument(IServiceProvider services, ComponentSchemas schemas)
{
    /// <summary>The name under which ASP.NET knows the document.</summary>
    public const string Name = "v1";

    private static readonly JsonSerializerOptions Writing = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private Task<byte[]>? _utf8;

    /// <summary>The document, as it is served and as <c>schemas/openapi.json</c> has it.</summary>
    public Task<byte[]> Utf8Async() => _utf8 ??= ComposeAsync();

    /// <summary>Everything but paths and schemas; runs before the routes are read.</summary>
    public static void Frame(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "LogLine",
            Version = typeof(ApiDocument).Assembly.GetName().Version!.ToString(3),
            Summary = "A gateway for signed spans.",
            Description = "Signed spans pass one gate, land in one verifiable ledger, and start runs whose every state is again a span. "
                + "A 2xx answer to a write means that the span is durable and inside a signed tree; nothing else is 2xx.\n\n"
                + "Every refusal has a code of one table; the first row that applies is the answer.",
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
            Contact = new OpenApiContact { Name = "LogLine", Url = new Uri("https://logline.world") },
        };
        document.Servers = [new OpenApiServer { Url = "/", Description = "This gateway." }];
        document.Tags = new HashSet<OpenApiTag>(RouteTags.All.Select(tag => new OpenApiTag { Name = tag.Key, Description = tag.Value }));
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = SecurityWords.Schemes;
        document.Components.Parameters = HeaderWords.RequestComponents;
        document.Components.Headers = HeaderWords.AnswerComponents;
        document.Components.Examples = Enum.GetValues<RefusalCode>().Where(code => code is not (RefusalCode.TdlnInvalid or RefusalCode.SchemaInvalid)).ToDictionary(code => code.Meaning().Wire, Example);
    }

    private static IOpenApiExample Example(RefusalCode code)
    {
        var meaning = code.Meaning();
        return new OpenApiExample
        {
            Summary = meaning.Title,
            Value = new JsonObject
            {
                ["type"] = RefusalAnswers.HelpPage(code),
                ["title"] = meaning.Title,
                ["status"] = meaning.Status,
                ["detail"] = meaning.Title + ".",
                ["code"] = meaning.Wire,
                ["trace_id"] = "4bf92f3577b34da6a3ce929d0e0e4736",
                ["retryable"] = meaning.Retryable,
                ["details"] = new JsonObject(),
            },
        };
    }

    private async Task<byte[]> ComposeAsync()
    {
        await using var scope = services.CreateAsyncScope();
        var document = await scope.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync();
        using var text = new StringWriter();
        document.SerializeAsV31(new OpenApiJsonWriter(text));
        var json = JsonNode.Parse(text.ToString())!.AsObject();
        json["components"]!["schemas"] = new JsonObject(schemas.All.Select(schema => KeyValuePair.Create(schema.Key, (JsonNode?)schema.Value.DeepClone())));
        return [.. JsonSerializer.SerializeToUtf8Bytes(json, Writing), (byte)'\n'];
    }
}
