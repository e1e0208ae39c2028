using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Primitives as people say them, in both languages (docs/tdln.md).</summary>
public sealed class SentencePrimitiveTests
{
    [Theory]
    [InlineData("stop container web on podman", "container.stop", "urn:container:dev/web")]
    [InlineData("parar container web no podman", "container.stop", "urn:container:dev/web")]
    [InlineData("restart container api on docker", "container.restart", "urn:container:dev/api")]
    [InlineData("reinicie contêiner api no docker", "container.restart", "urn:container:dev/api")]
    [InlineData("create container web from docker.io/library/alpine:3.20 on podman", "container.create", "urn:container:dev/web")]
    [InlineData("logs do container web no podman", "container.logs", "urn:container:dev/web")]
    [InlineData("list containers on podman", "container.list", "urn:container:dev")]
    [InlineData("listar imagens no docker", "image.list", "urn:image:dev")]
    [InlineData("criar rede backend no podman", "network.create", "urn:network:dev/backend")]
    [InlineData("connect web to network backend on podman", "network.connect", "urn:network:dev/backend")]
    [InlineData("remove volume data on docker", "volume.remove", "urn:volume:dev/data")]
    public async Task Sentence_BecomesTheSpan(string sentence, string intent, string subject)
    {
        await using var gateway = await TestGateway.StartAsync();

        var answer = await gateway.PostAsync(TestGateway.Json(new { paragraph = sentence, dry_run = true }), path: "/v1/universal");

        Assert.True(answer.Json.Text("status") == "ok", answer.Body);
        var span = answer.Json.Member("compiled_span");
        Assert.Equal((intent, subject), (span.Text("intent"), span.Text("subject")));
    }
}
