using System.Net;
using System.Text.Json;
using LogLine.Api.OpenApi;
using LogLine.Api.Tests.Checkout;
using LogLine.Api.Tests.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LogLine.Api.Tests.OpenApi;

/// <summary>The document is made of the code; schemas/openapi.json is what it says. LOGLINE_REWRITE=1 writes it anew (docs/adding-a-route.md).</summary>
public sealed class OpenApiTests
{
    [Fact]
    public async Task CommittedDocument_IsWhatTheGatewayServes()
    {
        await using var gateway = await TestGateway.StartAsync();
        var file = Repository.At("schemas", "openapi.json");
        var served = (await gateway.GetAsync("/openapi/v1.json", request => request.Headers.Authorization = null)).Body;
        if (Environment.GetEnvironmentVariable("LOGLINE_REWRITE") == "1")
        {
            await File.WriteAllTextAsync(file, served, TestContext.Current.CancellationToken);
        }

        Assert.True(
            served == await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken),
            "schemas/openapi.json is not what the gateway serves. If the change is meant: LOGLINE_REWRITE=1 dotnet run --project tests/LogLine.Api.Tests -- -class \"*OpenApiTests\"");
    }

    [Fact]
    public async Task EveryRoute_IsDocumented()
    {
        await using var gateway = await TestGateway.StartAsync();
        var routes = gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();

        Assert.Equal([], routes.Where(route => route.Metadata.GetMetadata<RouteDoc>() is null).Select(route => $"{route.RoutePattern.RawText}: docs/adding-a-route.md says how to document it"));
        var document = (await gateway.GetAsync("/openapi/v1.json")).Json;
        var described = document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()).Select(operation => operation.Value.GetProperty("operationId").GetString());
        Assert.Equal(routes.Select(route => route.Metadata.GetMetadata<RouteDoc>()!.Id).Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task EveryCode_IsInTheDocument()
    {
        await using var gateway = await TestGateway.StartAsync();
        var document = (await gateway.GetAsync("/openapi/v1.json")).Json;

        var codes = document.GetProperty("components").GetProperty("schemas").GetProperty("Problem").GetProperty("properties").GetProperty("code").GetProperty("enum");
        var submission = document.GetProperty("paths").GetProperty("/v1/spans").GetProperty("post").GetProperty("responses").GetRawText();
        Assert.Equal(Enum.GetValues<Api.Errors.RefusalCode>().Length, codes.GetArrayLength());
        Assert.All(codes.EnumerateArray(), code => Assert.Contains(code.GetString()!, submission, StringComparison.Ordinal));
    }

    [Fact]
    public async Task SwaggerPage_HasNothingFromElsewhere()
    {
        await using var gateway = await TestGateway.StartAsync();

        foreach (var file in (string[])["index.html", "index.js", "swagger-ui-bundle.js", "swagger-ui.css"])
        {
            using var answer = await gateway.Client.GetAsync(new Uri("/swagger/" + file, UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.StartsWith("default-src 'none'; script-src 'self';", string.Concat(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        }
        var page = await gateway.GetAsync("/swagger/index.html");
        Assert.DoesNotContain("//", page.Body.Replace("<!--", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotMatch("<script>|<style>|onload=", page.Body);
    }
}
