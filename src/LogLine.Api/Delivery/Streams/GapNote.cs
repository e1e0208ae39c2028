using System.Text;

namespace LogLine.Api.Delivery.Streams;

/// <summary>What a reader is told about items that it cannot get.</summary>
internal static class GapNote
{
    /// <summary>Below the log's minimum index.</summary>
    public const string Pruned = "pruned";

    /// <summary><c>{"from","to","reason"}</c>: the first and the last seq, and <c>erased</c>, <c>pruned</c> or <c>ahead</c>.</summary>
    public static byte[] Utf8(long from, long to, string reason) => Encoding.ASCII.GetBytes($$"""{"from":{{from}},"to":{{to}},"reason":"{{reason}}"}""");
}
