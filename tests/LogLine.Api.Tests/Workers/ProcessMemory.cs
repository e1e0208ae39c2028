using System.Globalization;
using System.Text;

namespace LogLine.Api.Tests.Workers;

/// <summary>Everything that a process has in its memory, as the kernel shows it: what a core dump would hold.</summary>
internal static class ProcessMemory
{
    private const int Piece = 4 << 20;

    /// <summary>True when the text is anywhere in the memory that the process can write, as UTF-8 or UTF-16.</summary>
    public static bool Holds(int process, string text)
    {
        byte[][] spellings = [Encoding.UTF8.GetBytes(text), Encoding.Unicode.GetBytes(text)];
        var overlap = spellings.Max(spelling => spelling.Length);
        using var memory = File.OpenHandle($"/proc/{process}/mem", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var buffer = new byte[Piece + overlap];
        foreach (var (from, to) in Regions(process))
        {
            for (var at = from; at < to; at += Piece)
            {
                var count = Read(memory, buffer.AsSpan(0, (int)Math.Min(buffer.Length, to - at)), at);
                if (Array.Exists(spellings, spelling => buffer.AsSpan(0, count).IndexOf(spelling) >= 0))
                {
                    return true;
                }
            }
        }
        return false;
    }

    private static IEnumerable<(long From, long To)> Regions(int process)
    {
        foreach (var line in File.ReadAllLines($"/proc/{process}/maps"))
        {
            var parts = line.Split(' ', 3);
            if (parts[1].StartsWith("rw", StringComparison.Ordinal))
            {
                var bounds = parts[0].Split('-');
                yield return (long.Parse(bounds[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), long.Parse(bounds[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>A region may go while it is read; what is read by then counts.</summary>
    private static int Read(Microsoft.Win32.SafeHandles.SafeFileHandle memory, Span<byte> into, long at)
    {
        var done = 0;
        try
        {
            for (int count; done < into.Length && (count = RandomAccess.Read(memory, into[done..], at + done)) > 0;)
            {
                done += count;
            }
        }
        catch (IOException)
        {
            // Reserved and not there.
        }
        return done;
    }
}
