using System.Formats.Tar;
using System.Text;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Artifacts;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Engines read a tar otherwise than the gateway does, here and there. What is hidden from the gateway so never reaches an engine.</summary>
public sealed class HiddenEntryTests
{
    /// <summary>The ways to hide a file from the one and show it to the other.</summary>
    public static TheoryData<string, string> Ways
    {
        get
        {
            var ways = new TheoryData<string, string>();
            foreach (var provider in (string[])["podman", "docker", "nerdctl"])
            {
                foreach (var way in (string[])["name of a sparse file", "folder with content", "checksum of signed bytes"])
                {
                    ways.Add(provider, way);
                }
            }
            return ways;
        }
    }

    [Theory, MemberData(nameof(Ways), DisableDiscoveryEnumeration = true)]
    public async Task HiddenFile_DoesNotGoIntoAContainer(string provider, string way)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var tar = await lab.Gateway.UploadAsync(Hidden(way, "hidden", "x"));

        var answer = await lab.SendAsync("container.copy_to", name, $$"""{"artifact":"{{tar}}","path":"/tmp"}""");
        var there = (await lab.SaidAsync(name, "/bin/ls", "-a", "/tmp")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.DoesNotContain("hidden", there);
        Assert.True(answer.Json.Member("result").Text("reason") is "malformed_archive" || there is [".", "..", "seen"], answer.Body);
    }

    /// <summary>A Dockerfile that nobody has judged could name another tenant's image.</summary>
    [Theory, MemberData(nameof(Ways), DisableDiscoveryEnumeration = true)]
    public async Task HiddenDockerfile_IsNotBuilt(string provider, string way)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (secret, tag) = ($"localhost/other/{lab.Name("secret")}:1", lab.Name("stolen"));
        await lab.Engine.TagAsync((await lab.Engine.FindImageAsync(PrimitiveLab.Image, PrimitiveLab.Cancel))!.Id, ImageReference.Parse(secret), PrimitiveLab.Cancel);
        try
        {
            var honest = Tars.Of(("Dockerfile", $"FROM {PrimitiveLab.Image}\n"))[..^1024];
            var context = await lab.Gateway.UploadAsync([.. honest, .. Hidden(way, "Dockerfile", $"FROM {secret}\nLABEL stolen=yes\n")]);

            var answer = await lab.SendAsync("image.build", null, $$"""{"artifact":"{{context}}","tag":"{{tag}}:1"}""");
            var built = await lab.Engine.FindImageAsync($"localhost/dev/{tag}:1", PrimitiveLab.Cancel);

            Assert.False(built?.Config?.Labels?.ContainsKey("stolen") ?? false, answer.Body);
        }
        finally
        {
            await lab.Engine.UntagAsync($"localhost/dev/{tag}:1", CancellationToken.None);
            await lab.Engine.UntagAsync(secret, CancellationToken.None);
        }
    }

    /// <summary>An image that another one has left on a registry, or in the engine, brings instructions of its own into the build.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task TriggersOfAnImage_DoNotActInABuild(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (secret, image, tag) = ($"localhost/other/{lab.Name("secret")}:1", $"docker.io/library/{lab.Name("triggers")}:1", lab.Name("stolen"));
        await lab.Engine.TagAsync((await lab.Engine.FindImageAsync(PrimitiveLab.Image, PrimitiveLab.Cancel))!.Id, ImageReference.Parse(secret), PrimitiveLab.Cancel);
        try
        {
            var order = new BuildOrder(image, "Dockerfile", null, false, false, new Dictionary<string, string>(), new Dictionary<string, string>(), TimeSpan.FromMinutes(5));
            Assert.Null((await lab.Engine.BuildAsync(order, new MemoryStream(Tars.Of(("Dockerfile", $"FROM {PrimitiveLab.Image}\nONBUILD COPY --from={secret} /bin/busybox /stolen\n"))), _ => Task.CompletedTask, PrimitiveLab.Cancel)).Error);
            foreach (var dockerfile in (string[])[$"FROM {image}\n", $"FROM {PrimitiveLab.Image}\nCOPY --from={image} /bin /bin2\n"])
            {
                var answer = await lab.SendAsync("image.build", null, $$"""{"artifact":"{{await lab.Gateway.UploadAsync(Tars.Of(("Dockerfile", dockerfile)))}}","tag":"{{tag}}:1"}""");

                Assert.Equal("malformed_archive", answer.Json.Member("result").Text("reason"));
                Assert.Contains("ONBUILD", answer.Json.Member("result").Text("error"));
            }
        }
        finally
        {
            foreach (var name in (string[])[$"localhost/dev/{tag}:1", image, secret])
            {
                await lab.Engine.UntagAsync(name, CancellationToken.None);
            }
        }
    }

    /// <summary>What was judged is built on, and not what has its name by then.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task TagThatMovesAfterTheJudgement_IsBuiltOnAsItWas(string provider)
    {
        await using var lab = EngineLab.Open(provider);
        var (mine, other, built) = ($"localhost/{lab.Tenant}/base:1", $"localhost/{lab.Tenant}/other:1", $"localhost/{lab.Tenant}/built:1");
        var first = (await lab.Client.FindImageAsync(EngineLab.TestImage, EngineLab.Cancel))!.Id;
        try
        {
            var order = new BuildOrder(other, "Dockerfile", null, false, false, new Dictionary<string, string>(), new Dictionary<string, string>(), TimeSpan.FromMinutes(5));
            Assert.Null((await lab.Client.BuildAsync(order, new MemoryStream(Tars.Of(("Dockerfile", $"FROM {EngineLab.TestImage}\nLABEL moved=yes\n"))), _ => Task.CompletedTask, EngineLab.Cancel)).Error);
            await lab.Client.TagAsync(first, ImageReference.Parse(mine), EngineLab.Cancel);

            var result = await lab.BuildAsync(Tars.Of(("Dockerfile", $"FROM {mine} AS one\nFROM {mine}\nCOPY --from={mine} /bin/busybox /copied\nCOPY --from=one /bin/busybox /again\n")), "built:1",
                begun: () => lab.Client.TagAsync(other, ImageReference.Parse(mine), EngineLab.Cancel));

            Assert.True(result.Text("image_id") is not null, result.ToString());
            Assert.False((await lab.Client.FindImageAsync(built, EngineLab.Cancel))!.Config?.Labels?.ContainsKey("moved") ?? false);
            Assert.Contains($"FROM {mine}", result.Text("output"));
        }
        finally
        {
            foreach (var name in (string[])[mine, other, built])
            {
                await lab.Client.UntagAsync(name, CancellationToken.None);
            }
        }
    }

    /// <summary>To Podman what is no stage that is done is an image, or the beginning of an image's id, whosever it is.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ImageUnderTheNameOfAStage_IsNotReadInABuild(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (secret, tag) = ($"localhost/other/{lab.Name("secret")}:1", lab.Name("stolen"));
        try
        {
            string id;
            do
            {
                var order = new BuildOrder(secret, "Dockerfile", null, false, false, new Dictionary<string, string>(), new Dictionary<string, string>(), TimeSpan.FromMinutes(5));
                Assert.Null((await lab.Engine.BuildAsync(order, new MemoryStream(Tars.Of(("Dockerfile", $"FROM {PrimitiveLab.Image}\nCOPY secret /secret\n"), ("secret", Guid.NewGuid().ToString()))), _ => Task.CompletedTask, PrimitiveLab.Cancel)).Error);
                id = ImageActs.IdOf((await lab.Engine.FindImageAsync(secret, PrimitiveLab.Cancel))!)[7..];
            }
            while (!char.IsAsciiLetter(id[0]));
            foreach (var dockerfile in (string[])[$"FROM {PrimitiveLab.Image} AS {id[..12]}\nCOPY --from={id[..12]} /secret /stolen\n", $"FROM {PrimitiveLab.Image} AS {id[..12].ToUpperInvariant()}\nFROM {PrimitiveLab.Image}\nCOPY --from={id[..12]} /secret /stolen\n"])
            {
                var answer = await lab.SendAsync("image.build", null, $$"""{"artifact":"{{await lab.Gateway.UploadAsync(Tars.Of(("Dockerfile", dockerfile)))}}","tag":"{{tag}}:1"}""");

                Assert.Equal("malformed_archive", answer.Json.Member("result").Text("reason"));
            }
        }
        finally
        {
            await lab.Engine.UntagAsync($"localhost/dev/{tag}:1", CancellationToken.None);
            await lab.Engine.UntagAsync(secret, CancellationToken.None);
        }
    }

    /// <summary>An engine would fetch another one under the same name.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ImageOfAnotherPlatform_IsNotBuiltOn(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (tag, here) = (lab.Name("platform"), (await lab.Engine.FindImageAsync(PrimitiveLab.Image, PrimitiveLab.Cancel))!);
        async Task<Answer> BuildAsync(byte[] context) => await lab.SendAsync("image.build", null, $$"""{"artifact":"{{await lab.Gateway.UploadAsync(context)}}","tag":"{{tag}}:1"}""");

        var other = await BuildAsync(Tars.Of(("Dockerfile", $"FROM --platform=linux/s390x {PrimitiveLab.Image}\n")));
        var same = await BuildAsync(Tars.Of(("Dockerfile", $"FROM --platform={here.Os}/{here.Architecture} {PrimitiveLab.Image}\n")));
        await lab.Engine.UntagAsync($"localhost/dev/{tag}:1", CancellationToken.None);

        Assert.Equal("malformed_archive", other.Json.Member("result").Text("reason"));
        Assert.True(same.Json.Member("result").Text("image_id") is not null, same.Body);
    }

    /// <summary>A tar with a file "seen", in which an engine finds another one.</summary>
    private static byte[] Hidden(string way, string name, string text)
    {
        var content = Encoding.UTF8.GetBytes(text);
        var file = Tars.Of((name, text))[..^1024];
        byte[] tar = way switch
        {
            "name of a sparse file" => Tars.Of(new PaxTarEntry(TarEntryType.RegularFile, "seen",
            [
                new("GNU.sparse.major", "0"), new("GNU.sparse.minor", "1"), new("GNU.sparse.name", name), new("GNU.sparse.size", $"{content.Length}"), new("GNU.sparse.numblocks", "1"), new("GNU.sparse.map", $"0,{content.Length}"),
            ]) { DataStream = new MemoryStream(content), Mode = (UnixFileMode)0b110_100_100 })[..^1024],
            "folder with content" => Tars.Old("seen/", file),
            // What has no checksum here is the end here; of the bytes as signed numbers it is the right one.
            _ => [.. Tars.Old("seen", []), .. Tars.Old("x", [], header => SignedSumOfNothing(header)), .. file],
        };
        return [.. tar, .. new byte[1024]];
    }

    private static void SignedSumOfNothing(byte[] header)
    {
        header.AsSpan(124).Clear();
        var sum = 8 * ' ' + header.Sum(b => (int)b);
        for (var at = 157; sum > 0; at++) // the name of a link, which a file has none of
        {
            var some = Math.Min(sum, 128);
            (header[at], sum) = ((byte)(256 - some), sum - some);
        }
    }
}
