namespace LogLine.Protocol.Quantities;

/// <summary>The least limits that engines accept: with less a container is refused, or cannot be started. The schema of manifests has the same numbers.</summary>
public static class LeastResources
{
    /// <summary>6 MiB.</summary>
    public const long MemoryBytes = 6 << 20;

    /// <summary>A hundredth of a core, in thousandths.</summary>
    public const int CpuMillis = 10;
}
