using System.Buffers;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;

namespace LogLine.Cli.Witness;

/// <summary>
/// The last checkpoint that this witness cosigned of each log: <c>{"v":1,"logs":{"&lt;origin&gt;":"&lt;cosigned note&gt;"}}</c>. It is all that keeps the witness
/// from cosigning a rollback, so it is on the disk before a cosignature leaves, one process has it at a time, and a file that does not carry the witness's own
/// cosignatures is refused.
/// </summary>
internal sealed class WitnessRecord : IDisposable
{
    private const int Version = 1;
    private const int MaxBytes = 64 << 20;

    private readonly string _file;
    private readonly FileStream _lock;
    private readonly Dictionary<string, (string Note, Checkpoint Checkpoint)> _latest = [];

    private WitnessRecord(string file, FileStream @lock) => (_file, _lock) = (file, @lock);

    /// <summary>Opens the record.</summary>
    /// <param name="file">Where it is.</param>
    /// <param name="isNew">True for a witness that has never cosigned: only then may there be no file.</param>
    /// <param name="witnessName">The witness.</param>
    /// <param name="publicKey">Its public key.</param>
    public static Attempt<WitnessRecord> Open(string file, bool isNew, string witnessName, ReadOnlySpan<byte> publicKey)
    {
        WitnessRecord? record = null;
        try
        {
            record = new WitnessRecord(file, new FileStream(file + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            if (!File.Exists(file))
            {
                if (!isNew)
                {
                    record.Dispose();
                    return new CommandFailure("witness", $"{file} is missing, but the key has been used: without it this witness would cosign a log that was rolled back.",
                        "Restore the file. If it is lost for good, begin as another witness: another key, another name.");
                }
                record.Write();
            }
            var fault = record.Read(witnessName, publicKey);
            if (fault is null)
            {
                return record;
            }
            record.Dispose();
            return new CommandFailure("witness", $"{file} is damaged: {fault}.", "Restore it from a copy that is not older than the last cosignature, or begin as another witness: another key, another name.");
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            record?.Dispose();
            return CommandFailure.File(file, defect) with { Next = "Is another witness running on it?" };
        }
    }

    /// <summary>The checkpoint that was cosigned last, or null.</summary>
    public Checkpoint? Latest(string origin) => _latest.TryGetValue(origin, out var latest) ? latest.Checkpoint : null;

    /// <summary>That checkpoint with its signatures, or null.</summary>
    public string? Note(string origin) => _latest.TryGetValue(origin, out var latest) ? latest.Note : null;

    /// <summary>Records a cosigned checkpoint; when this returns, it is on the disk.</summary>
    /// <exception cref="IOException">It is not, and is not recorded here either.</exception>
    public void Store(string note, Checkpoint checkpoint)
    {
        var had = _latest.TryGetValue(checkpoint.Origin, out var before);
        _latest[checkpoint.Origin] = (note, checkpoint);
        try
        {
            Write();
        }
        catch
        {
            if (had)
            {
                _latest[checkpoint.Origin] = before;
            }
            else
            {
                _latest.Remove(checkpoint.Origin);
            }
            throw;
        }
    }

    public void Dispose() => _lock.Dispose();

    private void Write()
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("v", Version);
            json.WriteStartObject("logs");
            foreach (var (origin, latest) in _latest.OrderBy(log => log.Key, StringComparer.Ordinal))
            {
                json.WriteString(origin, latest.Note);
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        DurableFile.Replace(_file, buffer.WrittenSpan);
    }

    /// <returns>What is wrong with the file, or null.</returns>
    private string? Read(string witnessName, ReadOnlySpan<byte> publicKey)
    {
        if (new FileInfo(_file).Length > MaxBytes)
        {
            return "it is larger than any record";
        }
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(File.ReadAllBytes(_file), new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException defect)
        {
            return defect.Message;
        }
        using (document)
        {
            var logs = document.RootElement.Member("logs");
            if (document.RootElement.Integer("v") != Version || logs.ValueKind != JsonValueKind.Object)
            {
                return $"it is no record of version {Version}";
            }
            foreach (var log in logs.EnumerateObject())
            {
                var note = log.Value.ValueKind == JsonValueKind.String ? log.Value.GetString()! : "";
                if (!Cosignature.TryVerify(note, witnessName, publicKey, out _) || !SignedNote.TryParse(note, out var body, out _)
                    || !Checkpoint.TryParse(body, out var checkpoint) || checkpoint.Origin != log.Name)
                {
                    return $"what it has of {log.Name} does not carry the cosignature of {witnessName}";
                }
                _latest[log.Name] = (note, checkpoint);
            }
        }
        return null;
    }
}
