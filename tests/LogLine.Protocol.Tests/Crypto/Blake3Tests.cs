using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

public sealed class Blake3Tests
{
    [Fact]
    public void OfficialVectors_Hold()
    {
        foreach (var (input, hash, _) in Cases())
        {
            Assert.Equal(hash, Blake3.HashHex(input));
        }
    }

    [Fact]
    public void OfficialKeyedVectors_Hold()
    {
        var keyed = new byte[Blake3.HashSize];
        foreach (var (input, _, expected) in Cases())
        {
            Blake3.KeyedHash(VectorKey, input, keyed);
            Assert.Equal(expected, Convert.ToHexStringLower(keyed));
        }
    }

    private static byte[] VectorKey => Encoding.ASCII.GetBytes("whats the Elvish word for friend");

    /// <summary>Input, hash and keyed hash of each official case; the file's outputs are longer, the first 32 bytes are ours.</summary>
    private static IEnumerable<(byte[] Input, string Hash, string Keyed)> Cases()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Vectors.Folder("blake3"), "test_vectors.json")));
        var cases = document.RootElement.GetProperty("cases");
        Assert.Equal(35, cases.GetArrayLength());
        foreach (var one in cases.EnumerateArray())
        {
            var input = new byte[one.GetProperty("input_len").GetInt32()];
            for (var i = 0; i < input.Length; i++)
            {
                input[i] = (byte)(i % 251);
            }
            yield return (input, First32(one, "hash"), First32(one, "keyed_hash"));
        }
    }

    private static string First32(JsonElement one, string column) => one.GetProperty(column).GetString()![..(2 * Blake3.HashSize)];
}
