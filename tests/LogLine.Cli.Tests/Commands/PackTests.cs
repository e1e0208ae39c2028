using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.Commands;

public sealed class PackTests : IDisposable
{
    private readonly Terminal _terminal = new();
    private readonly byte[] _artifact = [1, 2, 3, 4, 5];

    [Fact]
    public async Task Packed_HoldsTheManifestAndItsArtifact()
    {
        var packed = _terminal.At("web.llc");
        var said = (await _terminal.RunAsync("minicontainer", "pack", Manifest(), "--artifact", Artifact(), "--out", packed, "--json")).Expect(0).Json;
        Assert.Equal((1, 0), ((int)said.Integer("artifacts")!, (int)said.Integer("absent")!));
        Assert.Contains("5 bytes", (await _terminal.RunAsync("minicontainer", "show", packed)).Expect(0).Output);
        var verified = await _terminal.RunAsync("minicontainer", "verify", packed);
        Assert.Contains("ok   schema", verified.Output);
        Assert.Contains("it is not signed", verified.Expect(1).Output);

        var damaged = File.ReadAllBytes(packed);
        var at = damaged.AsSpan().IndexOf(_artifact);
        damaged[at] ^= 1;
        File.WriteAllBytes(packed, damaged);
        Assert.Contains("is no .llc", (await _terminal.RunAsync("minicontainer", "show", packed)).Expect(1).Errors);
    }

    [Fact]
    public async Task ArtifactThatTheManifestDoesNotName_IsNotPacked()
    {
        var stray = _terminal.Write("stray", "not named");
        var said = (await _terminal.RunAsync("minicontainer", "pack", Manifest(), "--artifact", stray, "--out", _terminal.At("web.llc"))).Expect(2);
        Assert.Contains(ContentHash.Of("not named"u8), said.Errors);
        Assert.False(File.Exists(_terminal.At("web.llc")));
    }

    [Fact]
    public async Task ManifestWithoutItsArtifact_SaysSo()
    {
        var packed = _terminal.At("web.llc");
        Assert.Contains("0 of 1", (await _terminal.RunAsync("minicontainer", "pack", Manifest(), "--out", packed)).Expect(0).Output);
        Assert.Contains("not in this file", (await _terminal.RunAsync("minicontainer", "show", packed)).Expect(0).Output);
    }

    public void Dispose() => _terminal.Dispose();

    private string Artifact()
    {
        File.WriteAllBytes(_terminal.At("secret.sealed"), _artifact);
        return _terminal.At("secret.sealed");
    }

    private string Manifest() => _terminal.Write("web.json",
        $$"""
        {"type":"ll.minicontainer.v1","version":"1.0.0","owner":{"user_id":"usr_1","tenant":"dev"},"deploy":{"engine":"container","image":"localhost/x:1"},
         "artifacts":[{"id":"secret_db","type":"secret","hash":"{{ContentHash.Of(_artifact)}}","enc":"xchacha20"}],"ts":"2025-11-17T13:37:00Z"}
        """);
}
