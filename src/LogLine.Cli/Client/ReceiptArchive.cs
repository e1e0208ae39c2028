using System.Buffers;
using System.Text.Json;
using LogLine.Cli.Settings;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Client;

/// <summary>
/// The Acks of this profile's writes, one file each: <c>receipts/&lt;profile&gt;/&lt;uuid of the span&gt;.json</c>, so that they can be verified later
/// without the gateway. Beside the Ack it keeps the signed span (member <c>span</c>) up to 64 KiB. The newest 1,000 stay.
/// </summary>
internal sealed class ReceiptArchive(HomeFolder home, string profile)
{
    /// <summary>Files that are kept.</summary>
    public const int Keep = 1000;

    private const int MaxSpanBytes = 64 << 10;

    /// <summary>Where they are.</summary>
    public string Folder => home.ReceiptFolder(profile);

    /// <summary>Keeps an Ack. The write has succeeded already, so a full disk is said, not failed on.</summary>
    /// <returns>What went wrong, or null.</returns>
    public string? Store(SpanAck ack, SpanDocument sent)
    {
        if (ack.This?[SpanDocument.ThisPrefix.Length..] is not { } text || !Guid.TryParseExact(text, "D", out var id))
        {
            return null;
        }
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var member in ack.Root.EnumerateObject())
            {
                member.WriteTo(json);
            }
            if (sent.IsSigned && sent.Utf8.Length <= MaxSpanBytes)
            {
                json.WritePropertyName("span");
                sent.Root.WriteTo(json);
            }
            json.WriteEndObject();
        }
        try
        {
            HomeFolder.Write(Path.Combine(Folder, $"{id:D}.json"), buffer.WrittenSpan);
            Prune();
            return null;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            return $"The receipt was not kept in {Folder}: {defect.Message}";
        }
    }

    /// <summary>The files, oldest first.</summary>
    public IReadOnlyList<string> Files() => !Directory.Exists(Folder)
        ? []
        : [.. new DirectoryInfo(Folder).EnumerateFiles("*.json").OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal).Select(file => file.FullName)];

    private void Prune()
    {
        var files = Files();
        foreach (var old in files.Take(files.Count - Keep))
        {
            File.Delete(old);
        }
    }
}
