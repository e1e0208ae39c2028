using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Protocol.Tests.MiniContainers;

public sealed class LlcArchiveTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 5000).Select(i => (byte)((i * 7919) >> 3))];

    private static string ArtifactName => "artifacts/" + ContentHash.Of(Secret)["blake3:".Length..];

    [Fact]
    public void Written_IsReadAndAlwaysTheSameBytes()
    {
        var manifest = Manifest(Secret);
        var bytes = LlcArchive.Write(manifest, [Secret, Secret]);
        Assert.True(LlcArchive.IsZip(bytes));
        Assert.Equal(bytes, LlcArchive.Write(manifest, [Secret]));
        Assert.True(LlcArchive.TryRead(bytes, out var archive, out _));
        Assert.Equal(manifest.Utf8.ToArray(), archive.Manifest.Utf8.ToArray());
        Assert.Equal(Secret, archive.Artifacts[ContentHash.Of(Secret)]);
    }

    [Fact]
    public void ManifestThatSaysTheSameOverAndOver_IsPackedSoThatItIsRead()
    {
        var manifest = CanonicalJson.Parse($$"""{"note":"{{new string('a', 500_000)}}"}""");
        Assert.True(LlcArchive.TryRead(LlcArchive.Write(manifest, []), out var archive, out _));
        Assert.Equal(manifest.Utf8.ToArray(), archive.Manifest.Utf8.ToArray());
    }

    [Fact]
    public void ArtifactThatNobodyNames_IsNotPacked() => Assert.Throws<ArgumentException>(() => LlcArchive.Write(Manifest(), [Secret]));

    [Theory]
    [InlineData("../manifest.json")]
    [InlineData("/manifest.json")]
    [InlineData("artifacts/")]
    [InlineData("artifacts/../manifest.json")]
    [InlineData("artifacts\\0123")]
    [InlineData("Manifest.json")]
    [InlineData("notes.txt")]
    [InlineData("artifacts/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("artifacts/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/x")]
    [InlineData("evil\u001b[2J\nname")]
    public void OtherPath_IsRefusedByNameAndLeavesNoTraceOnATerminal(string name)
    {
        var problem = Refused(Zip((name, "x"u8.ToArray())));
        Assert.Contains("has no place in it", problem);
        Assert.DoesNotContain(problem, char.IsControl);
    }

    [Fact]
    public void SameNameTwice_IsRefused() => Assert.Contains("stands twice", Refused(Zip(("manifest.json", Manifest().Utf8.ToArray()))));

    [Fact]
    public void Link_IsRefused()
    {
        var bytes = Zip(entry => entry.ExternalAttributes = unchecked((int)0xA1FF0000), (ArtifactName, "/etc/passwd"u8.ToArray()));
        Assert.Contains("is a link", Refused(bytes));
    }

    [Fact]
    public void WrongHash_IsRefused() => Assert.Contains("another hash", Refused(Zip((ArtifactName, "something else"u8.ToArray()))));

    [Fact]
    public void ArtifactOfNoManifest_IsRefused()
    {
        byte[] other = [1, 2, 3];
        Assert.Contains("not one of the manifest's", Refused(Zip(("artifacts/" + ContentHash.Of(other)["blake3:".Length..], other))));
    }

    [Fact]
    public void NoManifest_IsRefused() => Assert.Contains("no manifest.json", Refused(Bare((ArtifactName, Secret))));

    [Theory]
    [InlineData("{\"a\":1.5}")]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{")]
    public void ManifestWithoutCanonicalForm_IsRefused(string manifest) => Assert.Contains("manifest.json: ", Refused(Bare(("manifest.json", Encoding.UTF8.GetBytes(manifest)))));

    [Fact]
    public void Bomb_IsRefusedBeforeItIsUnpacked() => Assert.Contains("times its size", Refused(Zip((ArtifactName, new byte[8 << 20]))));

    [Fact]
    public void BombThatLiesAboutItsSize_IsRefused()
    {
        var bytes = Zip((ArtifactName, new byte[8 << 20]));
        // The size in the zip's directory, as the reader will see it: as small as the packed form.
        var at = bytes.AsSpan().LastIndexOf("PK\x01\x02"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + 24), 5000);
        Refused(bytes);
    }

    [Fact]
    public void TooManyBytes_AreRefused()
    {
        var noise = new byte[33 << 20];
        new Random(1).NextBytes(noise);
        Assert.Contains("64 MiB", Refused(Zip((ArtifactName, noise), ("artifacts/" + new string('0', 64), noise))));
    }

    [Fact]
    public void TooManyFiles_AreRefused() =>
        Assert.Contains("at most", Refused(Zip([.. Enumerable.Range(0, 300).Select(i => ($"artifacts/{i:x64}", new byte[] { 1 }))])));

    [Fact]
    public void EncryptedByTheZip_IsRefused()
    {
        var bytes = Zip((ArtifactName, Secret));
        for (var at = 0; at < bytes.Length - 10; at++)
        {
            if (bytes.AsSpan(at).StartsWith("PK\x01\x02"u8))
            {
                bytes[at + 8] |= 1;
            }
        }
        Assert.Contains("encrypted", Refused(bytes));
    }

    [Fact]
    public void AnyDamage_IsRefusedOrChangesNothing()
    {
        var whole = LlcArchive.Write(Manifest(Secret), [Secret]);
        var random = new Random(20261121);
        for (var round = 0; round < 5_000; round++)
        {
            var bytes = whole.ToArray();
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                // The structure is at both ends; the ciphertext between them is the hash's business.
                var at = random.Next(2) == 0 ? random.Next(Math.Min(bytes.Length, 400)) : bytes.Length - 1 - random.Next(400);
                bytes[at] = (byte)random.Next(256);
            }
            if (random.Next(8) == 0)
            {
                Array.Resize(ref bytes, random.Next(bytes.Length));
            }
            if (LlcArchive.TryRead(bytes, out var archive, out var problem))
            {
                Assert.All(archive.Artifacts, artifact => Assert.Equal(artifact.Key, ContentHash.Of(artifact.Value)));
            }
            else
            {
                Assert.NotEmpty(problem);
            }
        }
    }

    private static string Refused(byte[] bytes)
    {
        Assert.False(LlcArchive.TryRead(bytes, out _, out var problem));
        return problem;
    }

    private static CanonicalJson Manifest(params byte[][] artifacts) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("artifacts");
        foreach (var artifact in artifacts)
        {
            json.WriteStartObject();
            json.WriteString("hash", ContentHash.Of(artifact));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>An archive with a good manifest, and these files.</summary>
    private static byte[] Zip(params (string Name, byte[] Content)[] files) => Zip(_ => { }, files);

    private static byte[] Zip(Action<ZipArchiveEntry> change, params (string Name, byte[] Content)[] files) => Bare(change, [("manifest.json", Manifest(Secret).Utf8.ToArray()), .. files]);

    private static byte[] Bare(params (string Name, byte[] Content)[] files) => Bare(_ => { }, files);

    private static byte[] Bare(Action<ZipArchiveEntry> change, (string Name, byte[] Content)[] files)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                var entry = zip.CreateEntry(name);
                change(entry);
                using var target = entry.Open();
                target.Write(content);
            }
        }
        return stream.ToArray();
    }
}
