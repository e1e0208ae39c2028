using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Arguments reach the container as they were sent, or are refused: nothing on the way unquotes, expands, splits or takes one for an option.</summary>
public sealed class ArgumentFuzzTests
{
    private const int Batches = 10;
    private const int PerBatch = 1000;

    private static readonly string[] Pieces =
    [
        "--privileged", "-v", "/:/host", "--", "-", "$(id)", "`id`", "${HOME}", "$0", "$@", "~", "*", "?", "[a-z]", "{a,b}", "&&", "||", ";", "|", ">", "<", "&", "\\", "\\0", "\\n", "'", "\"", "''", "\"\"",
        " ", "  ", "\t", "\n", "\r\n", "\u0001", "\u001b[31m", "\u007f", "%s", "%n", "%00", "#", "!", "!!", "=", "A=B", "é", "ß", "日本", "🦭", "\u200d", "\ufeff", "\uffff", "\U0010ffff", "null", "true", "0", "-1", "", "a", "Z",
        "e", "\u0301", "\u0323", "\u1100", "\u1161", "\u212b", "\uf900",
    ];

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task TenThousandArguments_ArriveUnchanged(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var random = new Random(20261121);
        for (var batch = 0; batch < Batches; batch++)
        {
            var all = Enumerable.Range(0, PerBatch).Select(_ => Argument(random)).ToLookup(argument => argument.IsNormalized());
            var arguments = all[true].ToArray();
            var said = await lab.SaidAsync(name, ["/bin/sh", "-c", "printf '%s\\0' \"$@\" | sha256sum", "sh", .. arguments]);

            Assert.Equal(Hash(arguments), said.Split(' ')[0]);
            Assert.NotEmpty(all[false]);
            Assert.All(await Task.WhenAll(all[false].Select(argument => lab.SendAsync("container.exec", name, JsonSerializer.Serialize(new { argv = new[] { "/bin/true", argument } })))),
                answer => Assert.Equal(("422_SCHEMA_INVALID", "/payload/argv/1"), (answer.Code, answer.Json.Items("errors").Single().Text("path"))));
        }
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ArgumentsOfTheContainerItself_ArriveUnchanged(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (name, random) = (lab.Name(), new Random(7));
        var arguments = Enumerable.Range(0, PerBatch).Select(_ => Argument(random)).Where(argument => argument.IsNormalized()).ToArray();
        var argv = JsonSerializer.Serialize<string[]>(["/bin/sh", "-c", "printf '%s\\0' \"$@\" | sha256sum", "sh", .. arguments]);
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}","argv":{{argv}},"auto_start":true}""");

        var said = await lab.DoAsync("container.logs", name, """{"follow":true,"follow_s":30}""");

        Assert.Equal(Hash(arguments), said.Texts("lines").Single()[..64]);
    }

    [Theory]
    [InlineData("\\u0000")]
    [InlineData("a\\u0000b")]
    [InlineData("\\ud800")]
    [InlineData("a\\udc00")]
    public async Task WhatNoArgumentCanBe_IsRefused(string argument)
    {
        await using var lab = await PrimitiveLab.OpenAsync("podman");

        var answer = await lab.Gateway.PostAsync($$"""{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"podman"},"name":"web","argv":["/bin/true","{{argument}}"] } }""");

        Assert.Contains(answer.Code, new[] { "422_SCHEMA_INVALID", "400_MALFORMED_JSON" });
    }

    /// <summary>In another normal form than the one that is stored it would be other bytes: wherever it stands in what reaches a container it is refused, also in an array, a sentence and a manifest, and nowhere else.</summary>
    [Theory]
    [InlineData("/payload/argv/1", """{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"podman"},"name":"web","argv":["/bin/true","cafe\u0301"]}}""")]
    [InlineData("/payload/env", """{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"podman"},"name":"web","argv":["/bin/true"],"env":{"A":"b","E\u0301":"x"}}}""")]
    [InlineData("/payload/env/A", """[{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{"name":"Jose\u0301","email":"j@example.com","country":"PT","consent":true}},{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"podman"},"name":"web","argv":["/bin/true"],"env":{"A":"\u212b"}}}]""")]
    [InlineData("/payload/path", """{"intent":"container.copy_from","subject":"urn:container:dev/web","payload":{"target":{"provider":"podman"},"name":"web","path":"/cafe\u0301"}}""")]
    public async Task TextInAnotherNormalForm_IsRefused(string path, string body)
    {
        await using var lab = await PrimitiveLab.OpenAsync("podman");

        var answer = (await lab.Gateway.PostAsync(body)).Json;

        if (answer.ValueKind == JsonValueKind.Array)
        {
            Assert.Equal("ok", answer[0].Text("status"));
            answer = answer[1];
        }
        Assert.Equal(("invalid", path), (answer.Text("status"), answer.Items("errors").Single().Text("path")));
        Assert.Contains("NFC", answer.Items("errors").Single().Text("message"));
    }

    /// <summary>Words that only say what is meant reach no container; what does is refused where it stands, also beside a word that is in another form, and in what the sentence is about.</summary>
    [Fact]
    public async Task SentenceInAnotherNormalForm_IsRefusedForWhatReachesAContainerAlone()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var manifest = TestGateway.Text(gateway.Manifest("""{"image":"localhost/logline-test:1","args":["café"]}""")).Replace("é", "e\u0301", StringComparison.Ordinal);

        var stop = await SayAsync("parar conte\u0302iner web no podman");
        var beside = await SayAsync("copiar /café do conte\u0302iner web no podman");
        var path = await SayAsync("copiar /cafe\u0301 do conte\u0302iner web no podman");
        var given = await SayAsync(null, """{"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"podman"},"name":"web","argv":["/bin/true","cafe\u0301"]}}""");
        var document = await SayAsync("apply manifest called web", manifest);
        var person = await SayAsync("create person Jose\u0301, email j@example.com, country PT, consent yes");

        Assert.All(new[] { stop, beside, person }, answer => Assert.True(answer.Json.Text("status") == "ok", answer.Body));
        Assert.Equal("/café", beside.Json.Member("compiled_span").Member("payload").Text("path"));
        Assert.Equal("José", person.Json.Member("compiled_span").Member("payload").Text("name"));
        Assert.Equal(("/payload/path", "consistency"), path.Error());
        Assert.Equal(("/payload/argv/1", "consistency"), given.Error());
        Assert.Equal(("/payload/manifest/deploy/args/0", "consistency"), document.Error());

        Task<Answer> SayAsync(string? paragraph, string? span = null) => gateway.PostAsync(
            $$"""{{{(paragraph is null ? "" : $"\"paragraph\":{JsonSerializer.Serialize(paragraph)},")}}{{(span is null ? "" : $"\"span\":{span},")}}"dry_run":true}""", path: "/v1/universal");
    }

    /// <summary>So many texts were altered that it is not remembered where: then it is not known whether one of them would reach the container.</summary>
    [Fact]
    public async Task TextBehindThousandsInAnotherNormalForm_IsRefused()
    {
        await using var lab = await PrimitiveLab.OpenAsync("podman");
        var decomposed = JsonSerializer.Serialize(Enumerable.Repeat("e\u0301", 1_001));

        var answer = await lab.Gateway.PostAsync($$$"""
            [{"intent":"registry.person.create","subject":"urn:registry:person/x","payload":{"name":{{{decomposed}}}}},
             {"intent":"container.exec","subject":"urn:container:dev/web","payload":{"target":{"provider":"podman"},"name":"web","argv":["/bin/true","cafe\u0301"]}}]
            """);

        Assert.Equal(("invalid", "/payload"), (answer.Json[1].Text("status"), answer.Json[1].Items("errors").Single().Text("path")));
        Assert.Contains("NFC", answer.Json[1].Items("errors").Single().Text("message"));
    }

    /// <summary>The signature of a manifest is over its canonical form, and so holds whichever form it is sent in.</summary>
    [Fact]
    public async Task ManifestInAnotherNormalForm_IsRefused()
    {
        await using var gateway = await (await TestGateway.StartAsync()).RegisterKeyAsync();
        var manifest = TestGateway.Text(gateway.Manifest("""{"image":"localhost/logline-test:1","args":["café"]}"""));

        var refused = await ApplyAsync(manifest.Replace("é", "e\u0301", StringComparison.Ordinal));
        var admitted = await ApplyAsync(manifest);

        Assert.Equal(("422_SCHEMA_INVALID", "/payload/manifest/deploy/args/0"), (refused.Code, refused.Json.Items("errors").Single().Text("path")));
        Assert.Equal("ok", admitted.Json.Text("status"));

        Task<Answer> ApplyAsync(string text) => gateway.PostAsync($$$"""{"intent":"minicontainer.apply","subject":"urn:minicontainer:dev/web","payload":{"manifest":{{{text}}}}}""");
    }

    private static string Argument(Random random) => string.Concat(Enumerable.Range(0, random.Next(0, 6)).Select(_ => Pieces[random.Next(Pieces.Length)]));

    private static string Hash(IEnumerable<string> arguments) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(arguments.Select(argument => argument + "\0")))));
}
