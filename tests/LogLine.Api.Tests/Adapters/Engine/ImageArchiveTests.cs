using System.Text.Json.Nodes;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Artifacts;

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

    private static async Task<string?> ProblemAsync(OciLayout layout)
    {
        var path = Path.GetTempFileName();
        await File.WriteAllBytesAsync(path, layout.Tar(), TestContext.Current.CancellationToken);
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
