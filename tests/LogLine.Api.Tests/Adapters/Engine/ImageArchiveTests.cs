using System.Text.Json.Nodes;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Artifacts;
using LogLine.Api.Tests.Artifacts;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>An OCI layout is judged part by part before an engine sees any of it.</summary>
public sealed class ImageArchiveTests
{
    private const long MaxBytes = 1 << 20;

    [Fact]
    public async Task WholeLayout_IsTaken() => Assert.Null(await ProblemAsync(new OciLayout("hello", "hi")));

    /// <summary>One without a value says nothing, and every image that was committed here and saved says by which run.</summary>
    [Theory, InlineData("logline.tenant", null), InlineData("logline.committed_by", "run_1")]
    public async Task LabelThatMakesNothingOurs_IsTaken(string label, string? value)
    {
        var layout = new OciLayout("hello", "hi");
        layout.Config["config"]!["Labels"] = new JsonObject { [label] = value };

        Assert.Null(await ProblemAsync(layout));
    }

    public static TheoryData<string> Changes => ["schema", "config size", "config type", "config digest", "layer size", "layer type", "layer digest", "diff id", "os", "trigger", "label", "no layers", "two manifests", "manifest size", "manifest type", "manifest digest"];

    [Theory, MemberData(nameof(Changes))]
    public async Task PartThatIsNotAsItSays_IsRefused(string change)
    {
        var layout = new OciLayout("hello", "hi")
        {
            ChangeManifest = manifest => Change(change, "config", manifest["config"]!, manifest),
            ChangeIndex = index => Change(change, "manifest", index["manifests"]![0]!, index),
        };
        switch (change)
        {
            case "layer size":
                layout.Layer["size"] = 1;
                break;
            case "layer type":
                layout.Layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar+zstd";
                break;
            case "layer digest":
                layout.Layer["digest"] = "sha256:" + new string('0', 64);
                break;
            case "diff id":
                layout.Config["rootfs"]!["diff_ids"]![0] = "sha256:" + new string('0', 64);
                break;
            case "os":
                layout.Config["os"] = "windows";
                break;
            case "trigger":
                layout.Config["config"]!["OnBuild"] = new JsonArray("RUN x");
                break;
            case "label":
                layout.Config["config"]!["Labels"] = new JsonObject { ["logline.tenant"] = "dev" };
                break;
        }

        Assert.NotNull(await ProblemAsync(layout));
    }

    /// <summary>Engines match names of members in any case, and put together what stands twice: a config that was judged in part only would reach them whole.</summary>
    [Theory]
    [InlineData("\"config\":{", "\"Config\":{\"OnBuild\":[\"RUN x\"],")]
    [InlineData("\"config\":{", "\"config\":{\"onbuild\":[\"RUN x\"],")]
    [InlineData("\"config\":{", "\"config\":{\"OnBuild\":[\"RUN x\"]},\"config\":{")]
    [InlineData("\"config\":{", "\"CONFIG\":{\"OnBuild\":[\"RUN x\"]},\"config\":{")]
    [InlineData("\"config\":{", "\"config\":{\"OnBuild\":[\"RUN x\"],\"OnBuild\":null,")]
    [InlineData("\"config\":{", "\"config\":{\"labels\":{\"logline.tenant\":\"dev\"},")]
    [InlineData("\"config\":{", "\"config\":{\"Label\u017f\":{\"logline.tenant\":\"dev\"},")]
    public async Task ConfigThatEnginesReadOtherwise_IsRefused(string text, string instead) => Assert.NotNull(await ProblemAsync(new OciLayout("hello", "hi") { WriteConfig = config => config.Replace(text, instead, StringComparison.Ordinal) }));

    /// <summary>An engine would unpack them, however much comes out, before it sees that it is another layer than the config says; Podman takes a gzip in a gzip for the layer.</summary>
    [Theory, InlineData("BZh91AY&SY"), InlineData("\u00fd7zXZ\0"), InlineData("\u0028\u00b5\u002f\u00fd"), InlineData("\u0050\u002a\u004d\u0018"), InlineData("\u001f\u008b\u0008")]
    public async Task LayerThatIsPackedOtherwise_IsRefused(string beginning)
    {
        var layer = System.Text.Encoding.Latin1.GetBytes(beginning.PadRight(512, 'x'));
        var id = "sha256:" + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(layer));
        using var packed = new MemoryStream();
        using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(layer);
        }

        Assert.Contains("neither a tar nor a gzip of one", await ProblemAsync(Tars.Of(
            ("manifest.json", """[{"Config":"config","Layers":["layer"]}]"""), ("config", $$"""{"os":"linux","rootfs":{"type":"layers","diff_ids":["{{id}}"]} }"""))[..^1024].Concat(Tars.Old("layer", packed.ToArray())).Concat(new byte[1024]).ToArray()));
    }

    private static void Change(string change, string what, JsonNode descriptor, JsonNode holder)
    {
        if (change == what + " size")
        {
            descriptor["size"] = 1;
        }
        else if (change == what + " type")
        {
            descriptor["mediaType"] = "application/json";
        }
        else if (change == what + " digest")
        {
            descriptor["digest"] = "sha256:" + new string('0', 64);
        }
        else if (change == "schema" && what == "config")
        {
            holder["schemaVersion"] = 1;
        }
        else if (change == "no layers" && what == "config")
        {
            holder.AsObject().Remove("layers");
        }
        else if (change == "two manifests" && what == "manifest")
        {
            holder["manifests"]!.AsArray().Add(descriptor.DeepClone());
        }
    }

    private static Task<string?> ProblemAsync(OciLayout layout) => ProblemAsync(layout.Tar());

    private static async Task<string?> ProblemAsync(byte[] tar)
    {
        var path = Path.GetTempFileName();
        await File.WriteAllBytesAsync(path, tar, TestContext.Current.CancellationToken);
        await using var file = new FileStream(path, new FileStreamOptions { Options = FileOptions.DeleteOnClose });
        try
        {
            await ImageArchive.OpenAsync(file, MaxBytes, TestContext.Current.CancellationToken);
            return null;
        }
        catch (ArtifactException refused)
        {
            return refused.Message;
        }
    }
}
