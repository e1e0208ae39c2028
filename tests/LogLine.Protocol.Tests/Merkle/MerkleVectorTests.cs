using System.Text.Json;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

/// <summary>The public probes of transparency-dev/merkle, many of them forged: the same verdict on every one.</summary>
public sealed class MerkleVectorTests
{
    [Fact]
    public void InclusionProbe_HasItsPublishedVerdict()
    {
        var probes = Probes("inclusion");
        Assert.True(probes.Count >= 80, $"{probes.Count} inclusion probes found");
        Assert.All(probes, probe => Assert.Equal(
            !probe.Json.GetProperty("wantErr").GetBoolean(),
            MerkleProof.VerifyInclusion(Number(probe.Json, "leafIdx"), Number(probe.Json, "treeSize"), Bytes(probe.Json, "leafHash"), Proof(probe.Json), Bytes(probe.Json, "root"))));
    }

    [Fact]
    public void ConsistencyProbe_HasItsPublishedVerdict()
    {
        var probes = Probes("consistency");
        Assert.True(probes.Count >= 77, $"{probes.Count} consistency probes found");
        Assert.All(probes, probe => Assert.Equal(
            !probe.Json.GetProperty("wantErr").GetBoolean(),
            MerkleProof.VerifyConsistency(Number(probe.Json, "size1"), Number(probe.Json, "size2"), Proof(probe.Json), Bytes(probe.Json, "root1"), Bytes(probe.Json, "root2"))));
    }

    private static List<(string File, JsonElement Json)> Probes(string kind) =>
        [.. Vectors.Files(Path.Combine("merkle", kind), "*.json").Select(file => (file, JsonElement.Parse(File.ReadAllText(file))))];

    // The probes count in unsigned 64 bits; what is above our range arrives negative, as a verifier may meet it.
    private static long Number(JsonElement probe, string name) => unchecked((long)probe.GetProperty(name).GetUInt64());

    private static byte[] Bytes(JsonElement probe, string name) => Convert.FromBase64String(probe.GetProperty(name).GetString() ?? "");

    private static byte[][] Proof(JsonElement probe)
    {
        var proof = probe.GetProperty("proof");
        return proof.ValueKind == JsonValueKind.Null ? [] : [.. proof.EnumerateArray().Select(hash => Convert.FromBase64String(hash.GetString()!))];
    }
}
