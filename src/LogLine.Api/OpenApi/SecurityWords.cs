using Microsoft.OpenApi;

namespace LogLine.Api.OpenApi;

/// <summary>The two spellings of one token (contract, section 3); Bearer first, because generated clients take the first and know how to write it.</summary>
internal static class SecurityWords
{
    private const string ApiKey = "ApiKey";
    private const string Bearer = "Bearer";

    public static Dictionary<string, IOpenApiSecurityScheme> Schemes => new()
    {
        [Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "The same token as `Bearer <token>`." },
        [ApiKey] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey,
            In = ParameterLocation.Header,
            Name = "Authorization",
            Description = "The value is `ApiKey <token>`. The token binds tenant, scopes, environment and expiry; it was shown once, when it was made.",
        },
    };

    public static List<OpenApiSecurityRequirement> Required(OpenApiDocument document) =>
        [new() { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] }, new() { [new OpenApiSecuritySchemeReference(ApiKey, document)] = [] }];
}
