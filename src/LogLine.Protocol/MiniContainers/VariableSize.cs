using System.Text;

namespace LogLine.Protocol.MiniContainers;

/// <summary>What Linux hands to a process in one environment variable (MAX_ARG_STRLEN): beyond it nothing is started, whatever engine asks.</summary>
public static class VariableSize
{
    /// <summary>Bytes of <c>NAME=value</c> in UTF-8; the NUL behind it makes them 128 KiB.</summary>
    public const int MaxBytes = (128 << 10) - 1;

    /// <summary>Why a variable cannot be handed over, or null.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="valueBytes">Bytes of its value in UTF-8.</param>
    public static string? Problem(string name, int valueBytes) =>
        Encoding.UTF8.GetByteCount(name) + 1 + valueBytes is > MaxBytes and var bytes ? $"takes {bytes} bytes with its name; Linux hands at most {MaxBytes} to a process in one variable" : null;
}
