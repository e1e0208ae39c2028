using System.Formats.Tar;
using System.Net;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Api.Tests.Artifacts;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>What goes through artifacts: files, builds, images, the same on both engines.</summary>
public sealed class ArchivePrimitiveTests
{
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Files_GoInAndComeOut(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var tar = await lab.Gateway.UploadAsync(Tars.Of(("in/one", "1"), ("in/two", "22")));

        var copied = await lab.DoAsync("container.copy_to", name, $$"""{"artifact":"{{tar}}","path":"/tmp"}""");
        await lab.SucceedAsync(name, "/bin/sh", "-c", "cd /tmp/in && ln -s one inside && ln -s /etc/passwd outside && mkfifo pipe && echo 333 > three");
        var taken = await lab.DoAsync("container.copy_from", name, """{"path":"/tmp/in"}""");
        var files = Tars.Read(await lab.Gateway.Client.GetByteArrayAsync("/v1/artifacts/" + taken.Text("artifact"), PrimitiveLab.Cancel));

        Assert.Equal((2, 3), (copied.Integer("entries"), copied.Integer("bytes")));
        Assert.Equal(["in", "in/inside", "in/one", "in/three", "in/two"], files.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(("1", "333\n", "→ one"), (files["in/one"], files["in/three"], files["in/inside"]));
        Assert.Equal((5, 2), (taken.Integer("entries"), taken.Integer("left_out")));
        Assert.Equal(["in/outside", "in/pipe"], taken.Texts("left_out_paths").Order(StringComparer.Ordinal));

        // What is not there is not made, and what leads out does not go in.
        Assert.Equal("not_found", await ReasonAsync(lab, "container.copy_to", name, $$"""{"artifact":"{{tar}}","path":"/nowhere"}"""));
        Assert.Equal("not_found", await ReasonAsync(lab, "container.copy_from", name, """{"path":"/nowhere"}"""));
        Assert.Equal("not_found", await ReasonAsync(lab, "container.copy_from", name, """{"path":"/dev/zero"}""")); // of the container while it runs, and not its own
        Assert.NotEqual(0, (await lab.ExecAsync(name, "/bin/ls", "/nowhere")).Integer("exit_code"));
        var bad = await lab.Gateway.UploadAsync(Tars.Of(Tars.Link("a", "/etc"), new PaxTarEntry(TarEntryType.RegularFile, "a/shadow")));
        Assert.Equal("malformed_archive", await ReasonAsync(lab, "container.copy_to", name, $$"""{"artifact":"{{bad}}","path":"/tmp"}"""));
        var dangling = await lab.SendAsync("container.copy_to", name, $$"""{"artifact":"blake3:{{new string('0', 64)}}","path":"/tmp"}""");
        Assert.Equal(("422_SCHEMA_INVALID", "/payload/artifact"), (dangling.Code, Assert.Single(dangling.Json.Items("errors")).Text("path")));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Image_IsBuiltSavedLoadedAndRun(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var (built, loaded, container) = (lab.Name("built"), lab.Name("loaded"), lab.Name());
        var context = await lab.Gateway.UploadAsync(Tars.Of(
            ("Dockerfile", $"FROM {PrimitiveLab.Image}\nARG WHO=nobody\nCOPY hello /hello\nRUN echo built for $WHO > /who && cat /hello\nLABEL team=blue logline.tenant=other logline.committed_by=run_1"), ("hello", $"from the context of {built}\n")));

        var run = (await lab.SendAsync("image.build", null, $$$"""{"artifact":"{{{context}}}","tag":"{{{built}}}:1","build_args":{"WHO":"you"}}""", wait: 0)).Json.Member("run").Text("run_id")!;
        var heard = await lab.Gateway.Client.GetStringAsync($"/v1/runs/{run}/logs?tail=1000&follow=true", PrimitiveLab.Cancel);
        var result = (await lab.Gateway.RunInAsync(run, "exited")).Member("result");
        var saved = await lab.DoAsync("image.save", null, $$"""{"image":"localhost/dev/{{built}}:1"}""");
        var again = await lab.DoAsync("image.load", null, $$"""{"artifact":"{{saved.Text("artifact")}}","tag":"{{loaded}}:2"}""");
        await lab.DoAsync("container.create", container, $$"""{"image":"localhost/dev/{{loaded}}:2","auto_start":true}""");
        var seen = await lab.SaidAsync(container, "/bin/sh", "-c", "echo \"$(cat /who /hello)\"");

        Assert.Equal($"localhost/dev/{built}:1", result.Text("image"));
        Assert.Contains("from the context", result.Text("output"));
        Assert.Contains("from the context", heard);
        Assert.Contains("event: end", heard);
        Assert.Contains((await lab.Gateway.GetAsync($"/v1/runs/{run}/logs?tail=1000")).Json.Texts("lines"), line => line.Contains("from the context", StringComparison.Ordinal));
        Assert.Null(result.Text("error"));
        Assert.Equal(result.Text("image_id"), saved.Text("image_id"));
        Assert.Equal(result.Text("image_id"), again.Text("image_id"));
        Assert.Contains($"localhost/dev/{loaded}:2", again.Texts("references"));
        Assert.Equal($"built for you\nfrom the context of {built}\n", seen);
        Assert.Equal("blue", again.Member("labels").Text("team"));
        var labels = (await lab.Engine.FindImageAsync($"localhost/dev/{built}:1", PrimitiveLab.Cancel))!.Config!.Labels!;
        Assert.Equal(("", ""), (labels[EngineLabels.Tenant], labels[EngineLabels.CommittedBy]));
        Assert.NotEmpty((await lab.Gateway.PostAsync("""{"intent":"run.progress"}""", path: "/v1/spans/query")).Json.Items("items"));

        await lab.DoAsync("container.remove", container, """{"force":true}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{built}}:1"}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{loaded}}:2"}""");
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task BuildThatFails_SaysWhyAndWhatItSaid(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        async Task<JsonElement> BuildAsync(string dockerfile)
        {
            var context = await lab.Gateway.UploadAsync(Tars.Of(("Dockerfile", dockerfile)));
            var answer = await lab.SendAsync("image.build", null, $$"""{"artifact":"{{context}}","tag":"{{lab.Name("bad")}}:1"}""");
            Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
            return answer.Json.Member("result");
        }

        var failed = await BuildAsync($"FROM {PrimitiveLab.Image}\nRUN echo before; exit 3");
        Assert.Contains("before", failed.Text("output"));
        Assert.NotNull(failed.Text("error"));
        Assert.Null(failed.Text("image_id"));
        Assert.NotNull((await BuildAsync($"FROM {PrimitiveLab.Image}\nRUN wget -T 2 -q -O - http://10.0.0.1/")).Text("error"));
        Assert.Equal("image_not_found", (await BuildAsync("FROM localhost/other/secret:1")).Text("reason"));
        Assert.Equal("malformed_archive", (await BuildAsync("ARG X=a\nFROM $X")).Text("reason"));
        // Hidden from a reader that goes on where the engine does not, or does not where it does.
        Assert.Equal("image_not_found", (await BuildAsync("# \\\nFROM localhost/other/secret:1")).Text("reason"));
        Assert.Equal("image_not_found", (await BuildAsync("FRO\\\nM localhost/other/secret:1")).Text("reason"));
    }

    /// <summary>The file that was judged is the file that the engine builds.</summary>
    [Fact]
    public async Task ContextThatHasTwoDockerfilesInOnePlace_IsNotBuilt()
    {
        await using var lab = await PrimitiveLab.OpenAsync("podman");
        static TarEntry File(string name, string text) => new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)) };
        var (honest, other) = ($"FROM {PrimitiveLab.Image}", "FROM localhost/other/secret:1");
        foreach (var (dockerfile, wayOut, context) in new (string, string, TarEntry[])[]
        {
            ("Dockerfile", "twice", [File("Dockerfile", honest), File(".//Dockerfile", other)]),
            ("Dockerfile", "Put the file itself", [File("Dockerfile", honest), File("other", other), Tars.Link("Dockerfile", "other")]),
            ("Dockerfile", "Put the file itself", [File("Dockerfile", honest), File("other", other), Tars.Link("Dockerfile", "other", TarEntryType.HardLink)]),
            ("in/Dockerfile", "or the folder, in its place", [File("in/Dockerfile", honest), File("other/Dockerfile", other), Tars.Link("in", "other")]),
            ("Dockerfile", "has no file 'Dockerfile'", [File("other", other)]),
            ("Dockerfile", "'Dockerfile' is empty", [File("Dockerfile", "")]),
            ("Dockerfile.in", "Give the file a name that does not end in .in", [File("Dockerfile.in", honest)]),
        })
        {
            var refused = (await lab.SendAsync("image.build", null, $$"""{"artifact":"{{await lab.Gateway.UploadAsync(Tars.Of(context))}}","tag":"{{lab.Name("bad")}}:1","dockerfile":"{{dockerfile}}"}""")).Json.Member("result");
            Assert.Equal("malformed_archive", refused.Text("reason"));
            Assert.Contains(wayOut, refused.Text("error"));
        }
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task OciLayout_IsLoadedUnderTheTenantsName(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name("oci");
        var artifact = await lab.Gateway.UploadAsync(new OciLayout("hello", name).Tar());

        var loaded = await lab.DoAsync("image.load", null, $$"""{"artifact":"{{artifact}}","tag":"{{name}}:1"}""");

        Assert.Contains($"localhost/dev/{name}:1", loaded.Texts("references"));
        Assert.Equal(["/hello"], loaded.Texts("argv"));
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:1"}""");
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ArchiveThatIsNoWholeImage_IsNotLoaded(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        const string Config = """{"os":"linux","architecture":"amd64","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}""";
        const string Manifest = """[{"Config":"config.json","RepoTags":["docker.io/library/nginx:latest"],"Layers":["layer.tar"]}]""";
        foreach (var archive in new[]
        {
            Tars.Of(("hello", "no image")),
            Tars.Of(("manifest.json", "[]")),
            Tars.Of(("manifest.json", Manifest)),
            Tars.Of(("manifest.json", Manifest), ("config.json", Config), ("layer.tar", "other bytes")),
            Tars.Of(("manifest.json", Manifest), ("config.json", Config.Replace("\"config\":{}", "\"config\":{\"OnBuild\":[\"RUN x\"]}")), ("layer.tar", "")),
            Tars.Of(("manifest.json", Manifest.Replace("config.json", "../../etc/passwd"))),
            Tars.Of(("manifest.json", Manifest.Replace("\"layer.tar\"", "null")), ("config.json", Config)),
            Tars.Of(("index.json", $$"""{"manifests":[{"digest":"sha256:{{new string('0', 64)}}"}]}""")),
        })
        {
            Assert.Equal("malformed_archive", await ReasonAsync(lab, "image.load", null, $$"""{"artifact":"{{await lab.Gateway.UploadAsync(archive)}}","tag":"{{lab.Name("bad")}}:1"}"""));
        }
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Image_GoesToARegistryThatTheOperatorAllows(string provider)
    {
        await using var registry = await SmallRegistry.StartAsync();
        await using var lab = await PrimitiveLab.OpenAsync(provider, new Dictionary<string, string?> { ["LogLine:Policy:PushTo:0"] = $"{registry.Host}/team/*" });
        var to = $"{registry.Host}/team/{lab.Name()}:1";

        var pushed = await lab.DoAsync("image.push", null, $$"""{"image":"{{PrimitiveLab.Image}}","to":"{{to}}"}""");

        Assert.Equal(to, pushed.Text("to"));
        if (provider == "nerdctl") // which names each layer as it begins; an engine may say nothing of layers so small
        {
            Assert.NotEmpty((await lab.Gateway.PostAsync("""{"intent":"run.progress"}""", path: "/v1/spans/query")).Json.Items("items"));
        }
        Assert.Equal("image_not_found", await ReasonAsync(lab, "image.inspect", null, $$"""{"image":"{{to}}"}"""));
        using var there = await new HttpClient().GetAsync($"http://{registry.Host}/v2/team/{lab.Name()}/manifests/1", PrimitiveLab.Cancel);
        Assert.Equal(HttpStatusCode.OK, there.StatusCode);
        var denied = await lab.SendAsync("image.push", null, $$"""{"image":"{{PrimitiveLab.Image}}","to":"{{registry.Host}}/other/x:1"}""");
        Assert.Equal(("403_POLICY_DENIED", "push_to"), (denied.Code, denied.Json.Member("details").Text("rule")));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Image_IsFetchedFromARegistry_AndTheLedgerSaysHowFarItIs(string provider)
    {
        await using var registry = await SmallRegistry.StartAsync();
        await using var lab = await PrimitiveLab.OpenAsync(provider, new Dictionary<string, string?> { ["LogLine:Policy:PushTo:0"] = $"{registry.Host}/team/*" });
        var (name, to) = (lab.Name("fetched"), $"{registry.Host}/team/{lab.Name("fetched")}:1");
        var artifact = await lab.Gateway.UploadAsync(new OciLayout("hello", name).Tar());
        var loaded = await lab.DoAsync("image.load", null, $$"""{"artifact":"{{artifact}}","tag":"{{name}}:1"}""");
        await lab.DoAsync("image.push", null, $$"""{"image":"localhost/dev/{{name}}:1","to":"{{to}}"}""");
        await lab.DoAsync("image.remove", null, $$"""{"image":"{{name}}:1"}""");

        var answer = await lab.SendAsync("image.pull", null, $$"""{"image":"{{to}}"}""");
        await lab.Engine.UntagAsync(to, PrimitiveLab.Cancel);
        var said = (await lab.Gateway.PostAsync("""{"intent":"run.progress"}""", path: "/v1/spans/query")).Json.Items("items").Select(span => span.Member("payload"))
            .Where(progress => progress.Text("run_id") == answer.Json.Member("run").Text("run_id")).ToList();

        Assert.True(answer.Json.Member("run").Text("state") == "exited", answer.Body);
        Assert.Equal(loaded.Texts("argv"), answer.Json.Member("result").Texts("argv"));
        Assert.NotEmpty(said);
        Assert.All(said, progress => Assert.True(progress.Integer("done") <= (progress.Integer("total") ?? 1) && progress.Text("unit") is "bytes" or "steps", progress.ToString()));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task RegistryThatAsksWho_GetsTheOperatorsAnswer_AndNobodyElseSeesIt(string provider)
    {
        const string Password = "s3cret/pass+word";
        await using var registry = await SmallRegistry.StartAsync("robot:" + Password);
        var file = Path.Combine(Path.GetTempPath(), "registry-" + Guid.NewGuid().ToString("N"));
        await File.WriteAllTextAsync(file, $$"""{"username":"robot","password":"{{Password}}"}""", PrimitiveLab.Cancel);
        var settings = new Dictionary<string, string?> { ["LogLine:Policy:PushTo:0"] = $"{registry.Host}/team/*" };
        try
        {
            await using var lab = await PrimitiveLab.OpenAsync(provider, settings, new RegistryOptions { Host = registry.Host, CredentialsFile = file });
            await using var stranger = await PrimitiveLab.OpenAsync(provider, settings);
            var (to, order) = ($"{registry.Host}/team/{lab.Name()}:1", $$"""{"image":"{{PrimitiveLab.Image}}","to":"{{registry.Host}}/team/{{lab.Name()}}:1"}""");

            // A file that others may read is none.
            SetMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
            var open = await lab.SendAsync("image.push", null, order);
            SetMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var refused = await stranger.SendAsync("image.push", null, order);
            var pushed = await lab.SendAsync("image.push", null, order);
            var unseen = await stranger.SendAsync("image.pull", null, $$"""{"image":"{{to}}"}""");
            var pulled = await lab.DoAsync("image.pull", null, $$"""{"image":"{{to}}"}""");
            await lab.Engine.UntagAsync(to, PrimitiveLab.Cancel);

            Assert.Contains("chmod 600", open.Json.Member("result").Text("error"));
            Assert.Equal("refused_by_engine", refused.Json.Member("result").Text("reason"));
            Assert.Equal("exited", pushed.Json.Member("run").Text("state"));
            Assert.Equal("image_not_found", unseen.Json.Member("result").Text("reason"));
            Assert.True(pulled.Text("image_id")?.StartsWith("sha256:", StringComparison.Ordinal), pulled.ToString());
            var everything = string.Concat(open.Body, refused.Body, pushed.Body, unseen.Body, pulled.ToString(), (await lab.Gateway.PostAsync("""{"limit":1000}""", path: "/v1/spans/query")).Body);
            Assert.DoesNotContain(Password, everything);
            Assert.DoesNotContain(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("robot:" + Password)), everything);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static void SetMode(string file, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, mode);
        }
    }

    private static async Task<string?> ReasonAsync(PrimitiveLab lab, string intent, string? name, string members = "{}")
    {
        var answer = await lab.SendAsync(intent, name, members);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Body);
        return answer.Json.Member("result").Text("reason");
    }
}
