using System.Text;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Protocol.Tests.MiniContainers;

public sealed class SealedArtifactTests : IDisposable
{
    private static readonly ArtifactOwner Owner = new("secret_db", "secret", "vv", "kid_sign_1");
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes("postgres://user:hunter2@db/x");

    private readonly BoxKey _runner = BoxKey.FromSeed(new byte[32]);

    [Fact]
    public void Sealed_OpensForTheRunnerAndNobodyElse()
    {
        var (bytes, artifact) = SealedArtifact.Seal(Secret, Owner, [new RunnerKey("run_1", _runner.PublicKey.ToArray())]);
        Assert.Equal(ContentHash.Of(bytes), artifact.Root.GetProperty("hash").GetString());
        Assert.Equal(24 + Secret.Length + 16, bytes.Length);
        Assert.True(SealedArtifact.TryOpen(artifact.Root, bytes, Owner, "run_1", _runner, out var opened, out _));
        Assert.True(opened.FixedTimeEquals(Secret));

        using var other = BoxKey.FromSeed([.. Enumerable.Repeat((byte)7, 32)]);
        Assert.False(SealedArtifact.TryOpen(artifact.Root, bytes, Owner, "run_1", other, out _, out var problem));
        Assert.Contains("does not open with the key", problem);
        Assert.False(SealedArtifact.TryOpen(artifact.Root, bytes, Owner, "run_2", _runner, out _, out problem));
        Assert.Contains("not sealed to this runner", problem);
    }

    [Theory]
    [InlineData("secret_x", "secret", "vv", "kid_sign_1")]
    [InlineData("secret_db", "file", "vv", "kid_sign_1")]
    [InlineData("secret_db", "secret", "other", "kid_sign_1")]
    [InlineData("secret_db", "secret", "vv", "kid_sign_2")]
    public void ArtifactOfAnother_DoesNotOpenAsOnesOwn(string id, string type, string tenant, string owner)
    {
        var (bytes, artifact) = SealedArtifact.Seal(Secret, Owner, [new RunnerKey("run_1", _runner.PublicKey.ToArray())]);
        Assert.False(SealedArtifact.TryOpen(artifact.Root, bytes, new ArtifactOwner(id, type, tenant, owner), "run_1", _runner, out _, out var problem));
        Assert.Contains("sealed for another one", problem);
        Assert.DoesNotContain("hunter2", problem);
    }

    [Fact]
    public void ChangedBytes_AreRefused()
    {
        var (bytes, artifact) = SealedArtifact.Seal(Secret, Owner, [new RunnerKey("run_1", _runner.PublicKey.ToArray())]);
        bytes[^1] ^= 1;
        Assert.False(SealedArtifact.TryOpen(artifact.Root, bytes, Owner, "run_1", _runner, out _, out var problem));
        Assert.Contains("another hash", problem);
    }

    [Theory]
    [InlineData("grant://db", "db", null)]
    [InlineData("grant://db?as=file&path=/run/secrets/db", "db", "/run/secrets/db")]
    [InlineData("grant://db?path=/x/y.pem&as=file", "db", "/x/y.pem")]
    public void Reference_IsRead(string value, string id, string? file)
    {
        Assert.True(GrantReference.TryParse(value, out var reference, out _));
        Assert.Equal((id, file), (reference.GrantId, reference.FilePath));
    }

    [Theory]
    [InlineData("grant://")]
    [InlineData("grant://a b")]
    [InlineData("grant://a/b")]
    [InlineData("grant://db?as=file")]
    [InlineData("grant://db?path=/x")]
    [InlineData("grant://db?as=file&path=x")]
    [InlineData("grant://db?as=file&path=/x/../etc/passwd")]
    [InlineData("grant://db?as=file&path=/x//y")]
    [InlineData("grant://db?as=file&path=/x:ro")]
    [InlineData("grant://db?as=file&path=/")]
    [InlineData("grant://db?as=file&as=file&path=/x")]
    [InlineData("grant://db?as=file&path=/x&path=/y")]
    [InlineData("grant://db?")]
    [InlineData("GRANT://db")]
    public void BadReference_IsRefused(string value) => Assert.False(GrantReference.TryParse(value, out _, out _));

    public void Dispose() => _runner.Dispose();
}
