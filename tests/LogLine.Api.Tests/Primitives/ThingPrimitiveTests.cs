using System.Net;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Artifacts;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Images, networks and volumes of a tenant, the same on both engines.</summary>
public sealed class ThingPrimitiveTests
{
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Image_IsTaggedShownAndRemovedUnderTheTenantsName(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name("base");

        var tagged = await lab.DoAsync("image.tag", null, $$"""{"image":"{{PrimitiveLab.Image}}","tag":"{{name}}:2"}""");
        var reference = $"localhost/dev/{name}:2";
        var seen = await lab.DoAsync("image.inspect", null, $$"""{"image":"{{reference}}"}""");
        var listed = (await lab.DoAsync("image.list", null)).Items("images").SelectMany(image => image.Texts("references")).ToList();
        var history = await lab.DoAsync("image.history", null, $$"""{"image":"{{reference}}"}""");

        Assert.Equal(reference, tagged.Text("image"));
        Assert.Contains(reference, seen.Texts("references"));
        Assert.StartsWith("sha256:", seen.Text("image_id"));
        Assert.Equal(["PATH"], seen.Texts("env"));
        Assert.Equal("/bin/httpd", seen.Texts("argv")[0]);
        Assert.Contains(reference, listed);
        Assert.Contains(PrimitiveLab.Image, listed);
        Assert.NotEmpty(history.Items("layers"));
        Assert.True((await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:2"}""")).Flag("removed"));
        Assert.Equal("image_not_found", await ReasonAsync(lab, "image.inspect", null, $$"""{"image":"{{reference}}"}"""));
        Assert.Equal("image_not_found", await ReasonAsync(lab, "image.remove", null, $$"""{"image":"{{name}}:2"}"""));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ImageOfAnotherTenant_DoesNotExist(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        await using var engine = EngineLab.Open(provider);
        var mine = lab.Name("mine");
        var maker = await engine.ForeignAsync($"maker-{mine}", []);
        var repository = $"localhost/other/{mine}";
        var id = (await engine.CommitAsync(maker, repository, "1")).Replace("sha256:", "");

        foreach (var reference in new[] { $"{repository}:1", id, id[..12] })
        {
            Assert.Equal("image_not_found", await ReasonAsync(lab, "image.inspect", null, $$"""{"image":"{{reference}}"}"""));
            Assert.Equal("image_not_found", await ReasonAsync(lab, "container.create", mine, $$"""{"image":"{{reference}}"}"""));
            Assert.Equal("image_not_found", await ReasonAsync(lab, "image.tag", null, $$"""{"image":"{{reference}}","tag":"stolen:1"}"""));
        }
        Assert.Equal("refused_by_engine", await ReasonAsync(lab, "image.remove", null, $$"""{"image":"{{repository}}:1"}"""));
        Assert.Equal("refused_by_engine", await ReasonAsync(lab, "image.remove", null, $$"""{"image":"{{PrimitiveLab.Image}}"}"""));
        Assert.DoesNotContain($"{repository}:1", (await lab.DoAsync("image.list", null)).GetRawText());
        (await engine.Client.TryDeleteAsync($"/images/{Uri.EscapeDataString(repository + ":1")}?force=true", "remove an image", PrimitiveLab.Cancel)).OrThrow();
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ImageOfAnotherTenant_IsNotReachedByAShortName(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        await lab.Gateway.RegisterKeyAsync();
        await using var engine = EngineLab.Open(provider);
        var mine = lab.Name("mine");
        var maker = await engine.ForeignAsync($"maker-{mine}", []);
        await engine.CommitAsync(maker, $"localhost/other/{mine}", "1");
        await engine.CommitAsync(maker, $"localhost/{mine}", "1");
        await engine.CommitAsync(maker, $"docker.io/vv/{mine}", "1");

        // Podman takes other/x for localhost/other/x, and x for localhost/x; here both are names of docker.io.
        foreach (var reference in new[] { $"other/{mine}:1", $"{mine}:1" })
        {
            Assert.Equal("image_not_found", await ReasonAsync(lab, "container.create", mine, $$"""{"image":"{{reference}}"}"""));
            Assert.Equal("image_not_found", await ReasonAsync(lab, "image.inspect", null, $$"""{"image":"{{reference}}"}"""));
            var manifest = await lab.Gateway.ApplyAsync(mine, lab.Gateway.Manifest($$"""{"image":"{{reference}}"}"""));
            var deploy = await lab.Gateway.ProvedAsync("deploy.apply", mine, DeployActs.Order(manifest, mine, provider));
            Assert.Equal("image_not_found", (await lab.Gateway.RunInAsync(deploy.RunId(), "failed")).Text("reason"));
        }
        foreach (var transport in new[] { "containers-storage", "docker-daemon" })
        {
            Assert.Equal(("/payload/image", "consistency"), (await lab.SendAsync("container.create", mine, $$"""{"image":"{{transport}}:localhost/other/{{mine}}:1"}""")).Error());
        }
        var context = await lab.Gateway.UploadAsync(Tars.Of(("Dockerfile", $"FROM other/{mine}:1")));
        Assert.Equal("malformed_archive", await ReasonAsync(lab, "image.build", null, $$"""{"artifact":"{{context}}","tag":"{{mine}}:2"}"""));

        // What is shared is found under its short name, on every engine.
        await lab.DoAsync("container.create", mine, $$"""{"image":"vv/{{mine}}:1"}""");
        await lab.DoAsync("container.remove", mine);
        foreach (var reference in new[] { $"localhost/other/{mine}:1", $"localhost/{mine}:1", $"docker.io/vv/{mine}:1" })
        {
            (await engine.Client.TryDeleteAsync($"/images/{Uri.EscapeDataString(reference)}?force=true", "remove an image", PrimitiveLab.Cancel)).OrThrow();
        }
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task PullFromNowhere_FailsWithTheEnginesWords(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);

        var answer = await lab.SendAsync("image.pull", null, """{"image":"localhost:1/no/such:1"}""");

        Assert.Equal("image_not_found", answer.Json.Member("result").Text("reason"));
        Assert.Contains("could not be fetched", answer.Json.Member("result").Text("error"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Volume_KeepsWhatOneContainerWroteForTheNext(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (volume, one, two) = (lab.Name("data"), lab.Name("one"), lab.Name("two"));
        string Create(bool readOnly) => $$"""{"image":"{{PrimitiveLab.Image}}","mounts":[{"type":"volume","source":"{{volume}}","target":"/data","read_only":{{(readOnly ? "true" : "false")}} }],"auto_start":true}""";

        Assert.Equal("not_found", await ReasonAsync(lab, "container.create", one, Create(readOnly: false)));
        Assert.Equal(volume, (await lab.DoAsync("volume.create", volume, """{"labels":{"team":"blue"}}""")).Text("name"));
        Assert.Equal("name_taken", await ReasonAsync(lab, "volume.create", volume));
        await lab.DoAsync("container.create", one, Create(readOnly: false));
        await lab.SucceedAsync(one, "/bin/sh", "-c", "echo kept > /data/x");
        await lab.DoAsync("container.create", two, Create(readOnly: true));

        Assert.Equal("kept\n", await lab.SaidAsync(two, "/bin/cat", "/data/x"));
        Assert.NotEqual(0, (await lab.ExecAsync(two, "/bin/touch", "/data/y")).Integer("exit_code"));
        var mount = Assert.Single((await lab.DoAsync("container.inspect", two)).Items("mounts"));
        Assert.Equal(("volume", volume, "/data", true), (mount.Text("type"), mount.Text("source"), mount.Text("target"), mount.Flag("read_only")));
        Assert.Equal("refused_by_engine", await ReasonAsync(lab, "volume.remove", volume));
        Assert.Contains(volume, (await lab.DoAsync("volume.list", null)).Items("volumes").Select(item => item.Text("name")));
        await lab.DoAsync("container.remove", one, """{"force":true,"volumes":true}""");
        await lab.DoAsync("container.remove", two, """{"force":true}""");
        Assert.Equal("""{"team":"blue"}""", (await lab.DoAsync("volume.inspect", volume)).Member("labels").GetRawText());
        Assert.True((await lab.DoAsync("volume.remove", volume)).Flag("removed"));
        Assert.Equal("not_found", await ReasonAsync(lab, "volume.inspect", volume));
    }

    /// <summary>Podman gives it to the user of the first container that has it, Docker to root. Whoever comes later changes nothing.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NewVolume_WhereTheImageHasNoFolder_IsTheUsersOnPodmanAndRootsOnDocker(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (volume, one, two) = (lab.Name("data"), lab.Name("one"), lab.Name("two"));
        await lab.DoAsync("volume.create", volume);

        await UserAsync(lab, one, "1000", volume, "/data");
        await lab.SucceedAsync(one, "/bin/sh", "-c", provider == "docker" ? "[ $(stat -c %u:%a /data) = 0:755 ] && ! touch /data/x" : "[ $(stat -c %u:%a /data) = 1000:755 ] && touch /data/x");
        await lab.DoAsync("container.remove", one, """{"force":true}""");
        await UserAsync(lab, two, "2000", volume, "/data");
        await lab.SucceedAsync(two, "/bin/sh", "-c", $"[ $(stat -c %u /data) = {(provider == "docker" ? 0 : 1000)} ] && ! touch /data/y");

        await lab.DoAsync("container.remove", two, """{"force":true}""");
        await lab.DoAsync("volume.remove", volume);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NewVolume_WhereTheImageHasTheFolder_HasItsOwnerAndMode(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (volume, name) = (lab.Name("data"), lab.Name());
        await lab.DoAsync("volume.create", volume);
        await lab.DoAsync("image.tag", null, $$"""{"image":"{{PrimitiveLab.Image}}","tag":"{{name}}:base"}""");
        var context = await lab.Gateway.UploadAsync(Tars.Of(("Dockerfile", $"FROM localhost/dev/{name}:base\nRUN mkdir -m 750 /own && chown 1000:1000 /own")));
        await lab.DoAsync("image.build", null, $$"""{"artifact":"{{context}}","tag":"{{name}}:1"}""");

        await UserAsync(lab, name, "2000", volume, "/own", $"localhost/dev/{name}:1");
        await lab.SucceedAsync(name, "/bin/sh", "-c", "[ $(stat -c %u:%g:%a /own) = 1000:1000:750 ]");

        await lab.DoAsync("container.remove", name, """{"force":true}""");
        await lab.DoAsync("volume.remove", volume);
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:1"}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:base"}""");
    }

    private static Task UserAsync(PrimitiveLab lab, string name, string user, string volume, string target, string? image = null) => lab.DoAsync("container.create", name,
        $$"""{"image":"{{image ?? PrimitiveLab.Image}}","argv":["/bin/sleep","600"],"user":"{{user}}","mounts":[{"type":"volume","source":"{{volume}}","target":"{{target}}"}],"auto_start":true}""");

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Network_JoinsTwoContainers(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var network = lab.Name("net");
        await lab.DoAsync("network.create", network, """{"internal":true}""");
        var (server, client) = (await lab.RunningAsync("server"), await lab.RunningAsync("client"));

        await lab.DoAsync("network.connect", network, $$"""{"container":"{{server}}"}""");
        var joined = await lab.DoAsync("network.connect", network, $$"""{"container":"{{client}}"}""");
        var members = joined.Items("containers").ToDictionary(member => member.Text("name")!, member => member.Text("address"));

        Assert.Equal(new[] { client, server }.Order(StringComparer.Ordinal), members.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("hello", await lab.SaidAsync(client, "/bin/wget", "-q", "-O", "-", $"http://{members[server]}:8080/"));
        Assert.Contains(network, (await lab.DoAsync("container.inspect", server)).Texts("networks"));
        Assert.Equal("lifecycle_conflict", await ReasonAsync(lab, "network.remove", network));
        Assert.Equal([client], (await lab.DoAsync("network.disconnect", network, $$"""{"container":"{{server}}"}""")).Items("containers").Select(member => member.Text("name")));
        Assert.Equal("lifecycle_conflict", await ReasonAsync(lab, "network.disconnect", network, $$"""{"container":"{{server}}"}"""));
        Assert.Equal("404_NOT_FOUND", (await lab.SendAsync("network.connect", network, """{"container":"nobody"}""")).Code);
        await lab.DoAsync("network.disconnect", network, $$"""{"container":"{{client}}"}""");
        Assert.Contains(network, (await lab.DoAsync("network.list", null)).Items("networks").Select(item => item.Text("name")));
        Assert.True((await lab.DoAsync("network.remove", network)).Flag("removed"));
        Assert.Equal("not_found", await ReasonAsync(lab, "network.inspect", network));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task BindBelowARoot_IsMounted(string provider)
    {
        var root = Directory.CreateTempSubdirectory("logline-bind-").FullName;
        await File.WriteAllTextAsync(Path.Combine(root, "note"), "from the host", PrimitiveLab.Cancel);
        await using var lab = await PrimitiveLab.OpenAsync(provider, new Dictionary<string, string?> { ["LogLine:Policy:BindRoots:0"] = root });
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}","mounts":[{"type":"bind","source":"{{root}}","target":"/host","read_only":true}],"user":"0","auto_start":true}""");

        var seen = await lab.HeardAsync(name, """{"argv":["/bin/sh","-c","cat /host/note; touch /host/x"]}""");

        Assert.Equal("from the host", seen.Text("stdout"));
        Assert.Contains("Read-only", seen.Text("stderr"));
        await lab.DoAsync("container.remove", name, """{"force":true}""");
        Directory.Delete(root, recursive: true);
    }

    private static async Task<string?> ReasonAsync(PrimitiveLab lab, string intent, string? name, string members = "{}")
    {
        var answer = await lab.SendAsync(intent, name, members);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.Member("result").Text("reason");
    }
}
