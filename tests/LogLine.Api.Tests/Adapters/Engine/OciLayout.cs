using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LogLine.Api.Tests.Artifacts;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>A small image as an OCI layout, part by part, so that a test can change one of them.</summary>
internal sealed class OciLayout
{
    private readonly byte[] _layer;

    public OciLayout(string file, string content)
    {
        var tar = Tars.Of((file, content));
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(tar);
        }
        _layer = packed.ToArray();
        Config = JsonNode.Parse($$"""{"architecture":"amd64","os":"linux","config":{"Cmd":["/{{file}}"]},"rootfs":{"type":"layers","diff_ids":["{{Digest(tar)}}"] } }""")!;
        Layer = Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", _layer);
    }

    public JsonNode Config { get; }

    /// <summary>Changes the text of the config, for what no tree of members can say.</summary>
    public Func<string, string> WriteConfig { get; init; } = text => text;

    public JsonNode Layer { get; }

    /// <summary>Changes the manifest's descriptor of the config, or the manifest, or the index, once the parts before are fixed.</summary>
    public Action<JsonNode> ChangeManifest { get; init; } = _ => { };

    public Action<JsonNode> ChangeIndex { get; init; } = _ => { };

    public byte[] Tar()
    {
        var config = Encoding.UTF8.GetBytes(WriteConfig(Config.ToJsonString()));
        var manifest = new JsonObject { ["schemaVersion"] = 2, ["config"] = Descriptor("application/vnd.oci.image.config.v1+json", config), ["layers"] = new JsonArray(Layer.DeepClone()) };
        ChangeManifest(manifest);
        var index = new JsonObject { ["schemaVersion"] = 2, ["manifests"] = new JsonArray(Descriptor("application/vnd.oci.image.manifest.v1+json", Bytes(manifest))) };
        ChangeIndex(index);
        return Tars.Of(
            File("oci-layout", Encoding.UTF8.GetBytes("""{"imageLayoutVersion":"1.0.0"}""")), File("index.json", Bytes(index)),
            File(Name(Digest(Bytes(manifest))), Bytes(manifest)), File(Name(Digest(config)), config), File(Name(Digest(_layer)), _layer));
    }

    private static PaxTarEntry File(string name, byte[] bytes) => new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) };

    public static JsonObject Descriptor(string type, byte[] bytes) => new() { ["mediaType"] = type, ["digest"] = Digest(bytes), ["size"] = bytes.Length };

    private static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static string Digest(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static string Name(string digest) => "blobs/sha256/" + digest["sha256:".Length..];
}
