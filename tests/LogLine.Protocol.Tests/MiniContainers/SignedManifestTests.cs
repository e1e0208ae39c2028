using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Tests.MiniContainers;

public sealed class SignedManifestTests
{
    private static readonly SigningKey Key = SigningKey.FromSeed(new byte[32]);

    [Fact]
    public void Provenance_IsTheKeysSignature_OverEverythingElse()
    {
        var manifest = SignedManifest.View(Signed("""{"deploy":{"image":"x"},"type":"ll.minicontainer.v1"}""").Root);

        Assert.True(manifest.VerifyProvenance(Key.PublicKey));
        Assert.Equal("kid_1", manifest.Kid);
        using var other = SigningKey.Generate();
        Assert.False(manifest.VerifyProvenance(other.PublicKey));
    }

    [Fact]
    public void Provenance_CoversKidAndAlg()
    {
        var text = System.Text.Encoding.UTF8.GetString(Signed("""{"type":"ll.minicontainer.v1"}""").Utf8.Span);

        Assert.False(SignedManifest.View(CanonicalJson.Parse(text.Replace("kid_1", "kid_2")).Root).VerifyProvenance(Key.PublicKey));
        Assert.False(SignedManifest.View(CanonicalJson.Parse(text.Replace("ed25519-blake3", "ed25519")).Root).VerifyProvenance(Key.PublicKey));
    }

    [Fact]
    public void SignedTwice_HasOneProvenance_AndTheSameRef()
    {
        var once = Signed("""{"type":"ll.minicontainer.v1"}""");
        var twice = SignedManifest.Sign(once, "kid_1", Key);

        Assert.Equal(once.Utf8.ToArray(), twice.Utf8.ToArray());
        Assert.Equal(MiniContainerRef.Of("vv", "web", once.Root), MiniContainerRef.Of("vv", "web", twice.Root));
        Assert.Equal(ContentHash.Of(once.Utf8.Span), MiniContainerRef.Of("vv", "web", once.Root).Hash);
    }

    [Fact]
    public void VariableThatNoProcessCanBeGiven_IsAContradiction()
    {
        var value = string.Concat(Enumerable.Repeat("\U0001F600", 32_767)); // 131,068 bytes, and with it at most 131,071
        static IEnumerable<(string, string)> Of(string name, string value) => SignedManifest.View(CanonicalJson.Parse($$$"""{"deploy":{"env":{"{{{name}}}":"{{{value}}}"},"image":"x"}}""").Root).Contradictions();

        Assert.Empty(Of("AB", value));
        var (path, message) = Assert.Single(Of("ABC", value));
        Assert.Equal("/deploy/env/ABC", path);
        Assert.Contains("takes 131072 bytes with its name", message);
    }

    [Fact]
    public void SignatureOfAnotherKind_IsNoProvenance()
    {
        var bare = CanonicalJson.Parse("""{"provenance":{"alg":"ed25519-blake3","kid":"kid_1"},"type":"ll.minicontainer.v1"}""");
        var sig = Convert.ToBase64String(DomainSignature.Sign(Key, SignatureKind.Span, bare.Utf8.Span));
        var forged = CanonicalJson.Parse($$"""{"provenance":{"alg":"ed25519-blake3","kid":"kid_1","sig":"{{sig}}"},"type":"ll.minicontainer.v1"}""");

        Assert.False(SignedManifest.View(forged.Root).VerifyProvenance(Key.PublicKey));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"provenance":null}""")]
    [InlineData("""{"provenance":{"sig":7}}""")]
    [InlineData("""{"provenance":{"sig":"short"}}""")]
    public void WithoutASignature_NothingVerifies(string text) => Assert.False(SignedManifest.View(CanonicalJson.Parse(text).Root).VerifyProvenance(Key.PublicKey));

    [Theory]
    [InlineData("""{"artifacts":[{"id":"a"},{"id":"b"},{"id":"a"}]}""", "/artifacts/2/id")]
    [InlineData("""{"artifacts":[{"id":"a"}],"grants":[{"id":"g","artifact_id":"a"},{"id":"g","artifact_id":"a"}]}""", "/grants/1/id")]
    [InlineData("""{"grants":[{"id":"g","artifact_id":"gone"}]}""", "/grants/0/artifact_id")]
    [InlineData("""{"deploy":{"env":{"KEY":"grant://gone"}}}""", "/deploy/env/KEY")]
    [InlineData("""{"deploy":{"env":{"A/B~C":"grant://gone"}}}""", "/deploy/env/A~1B~0C")]
    [InlineData("""{"slots":{"signing":[{"kid":"kid_1","status":"revoked"}]}}""", "/provenance/kid")]
    [InlineData("""{"deploy":{"ports":[{"container":80},{"host":8080,"container":80},{"host":0,"container":81},{"host":8080,"container":81}]}}""", "/deploy/ports/3/host")]
    [InlineData("""{"artifacts":[{"id":"a"}],"grants":[{"id":"g","artifact_id":"a"},{"id":"h","artifact_id":"a"}],"deploy":{"env":{"A":"grant://g?as=file&path=/run/s","B":"grant://h?as=file&path=/run/s"}}}""", "/deploy/env/B")]
    public void Contradiction_IsNamedByItsPlace(string text, string path) =>
        Assert.Equal(path, Assert.Single(SignedManifest.View(Signed(text).Root).Contradictions()).Path);

    [Theory]
    [InlineData("""{"artifacts":[{"id":"a"}],"grants":[{"id":"g","artifact_id":"a"}],"deploy":{"env":{"KEY":"grant://g","OTHER":"grant"}}}""")]
    [InlineData("""{"slots":{"signing":[{"kid":"kid_1","status":"active"},{"kid":"old","status":"revoked"}]}}""")]
    [InlineData("""{"slots":{"signing":[{"kid":"someone_else","status":"revoked"}]}}""")]
    [InlineData("""{"artifacts":[{"id":"a"}],"grants":[{"id":"g","artifact_id":"a"}],"deploy":{"env":{"A":"grant://g?as=file&path=/run/s","B":"grant://g?as=file&path=/run/s"},"ports":[{"host":0,"container":80},{"host":0,"container":80}]}}""")]
    [InlineData("{}")]
    public void Agreement_HasNoContradictions(string text) => Assert.Empty(SignedManifest.View(Signed(text).Root).Contradictions());

    private static CanonicalJson Signed(string text) => SignedManifest.Sign(CanonicalJson.Parse(text), "kid_1", Key);
}
