using System.ComponentModel;
using System.Diagnostics;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

/// <summary>Equality with <c>b3sum</c>, the tool of BLAKE3's authors, where it is installed (Debian package b3sum).</summary>
public sealed class Blake3AgainstB3sumTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("logline-b3sum-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void RandomInputsOfEveryLengthClass_HashAlike()
    {
        var inputs = Inputs();
        Assert.Equal(B3sum(inputs, key: null), inputs.Select(input => Blake3.HashHex(input)));
    }

    [Fact]
    public void RandomInputsOfEveryLengthClass_HashAlikeWithAKey()
    {
        var inputs = Inputs();
        var key = Blake3Tests.Bytes(seed: 7, Blake3.KeySize);
        Assert.Equal(B3sum(inputs, key), inputs.Select(input =>
        {
            var keyed = new byte[Blake3.HashSize];
            Blake3.KeyedHash(key, input, keyed);
            return Convert.ToHexStringLower(keyed);
        }));
    }

    /// <summary>Around every border of a block, a chunk, a vector of chunks and a full subtree up to 1 MiB, and one length at random between two borders.</summary>
    private static List<byte[]> Inputs()
    {
        int[] borders = [1, 64, 128, 512, 1024, 2048, 3072, 4096, 5120, 7168, 8192, 9216, 16384, 17408, 24576, 32768, 65536, 131072, 262144, 524288, 1048576];
        var random = new Random(6);
        var lengths = new SortedSet<int>();
        foreach (var (below, border) in borders.Prepend(0).Zip(borders))
        {
            lengths.UnionWith([border - 1, border, border + 1, random.Next(below, border)]);
        }
        return [.. lengths.Select(length => Blake3Tests.Bytes(length, length))];
    }

    private string[] B3sum(List<byte[]> inputs, byte[]? key)
    {
        var start = new ProcessStartInfo("b3sum") { WorkingDirectory = _folder.FullName, RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("--no-names");
        if (key is not null)
        {
            start.ArgumentList.Add("--keyed");
        }
        for (var i = 0; i < inputs.Count; i++)
        {
            File.WriteAllBytes(Path.Combine(_folder.FullName, $"{i}"), inputs[i]);
            start.ArgumentList.Add($"{i}");
        }
        using var process = Start(start);
        process.StandardInput.BaseStream.Write(key);
        process.StandardInput.Close();
        var lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return lines;
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            throw Prerequisite.Missing("the program b3sum");
        }
    }
}
