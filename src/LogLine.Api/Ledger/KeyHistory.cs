using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger;

/// <summary>
/// Every public key that the gateway has ever signed with, and for which part of the log: <c>keys/history.json</c>. What an old key has signed verifies for good.
/// </summary>
internal sealed class KeyHistory
{
    /// <summary>Its name in a key folder.</summary>
    public const string FileName = "history.json";

    private const int Version = 1;
    private readonly string? _file;
    private readonly List<ServerKeyRecord> _records;

    private KeyHistory(string? file, List<ServerKeyRecord> records) => (_file, _records) = (file, records);

    /// <summary>The keys, oldest first.</summary>
    public IReadOnlyList<ServerKeyRecord> Records => _records;

    /// <summary>Reads the history of a key folder; one that has none yet is empty.</summary>
    /// <exception cref="DataFolderException">The file is damaged.</exception>
    public static KeyHistory Open(string folder)
    {
        var file = Path.Combine(folder, FileName);
        return new KeyHistory(file, File.Exists(file) ? Read(File.ReadAllBytes(file), file) : []);
    }

    /// <summary>Reads one that lies in a database, and is written there by whoever changes it.</summary>
    /// <exception cref="DataFolderException">It is damaged.</exception>
    public static KeyHistory Parse(string text) => new(null, Read(Encoding.UTF8.GetBytes(text), "The history of the keys in the database"));

    private static List<ServerKeyRecord> Read(byte[] text, string place)
    {
        if (!CanonicalJson.TryRead(text, out var json, out _) || json.Root.Integer("v") != Version)
        {
            throw Damaged(place);
        }
        return [.. json.Root.Items("keys").Select(item => ServerKeyRecord.TryRead(item, out var record) ? record : throw Damaged(place))];
    }

    /// <summary>The keys of a use that sign now, the oldest first.</summary>
    public IEnumerable<ServerKeyRecord> Active(string use) => _records.Where(record => record.Use == use && record.Until is null);

    /// <summary>The kids of the keys that sign now: what several gateways have to agree on.</summary>
    public string SignedBy => Kids("log") + ' ' + Kids("span");

    /// <summary>Those of a use.</summary>
    public string Kids(string use) => string.Join(' ', Active(use).Select(record => record.Kid));

    /// <summary>The record of a key, or null.</summary>
    public ServerKeyRecord? Find(SigningKey key)
    {
        var publicKey = key.PublicKeyHex;
        return _records.Find(record => Convert.ToHexStringLower(record.PublicKey) == publicKey);
    }

    /// <summary>The first keys of a ledger.</summary>
    public void Begin(params ReadOnlySpan<ServerKeyRecord> records)
    {
        _records.AddRange(records);
        Save();
    }

    /// <summary>Adds a key, and ends others, in one step on the disk.</summary>
    public void Add(ServerKeyRecord record, ServerKeyRecord? ended = null, long until = 0)
    {
        End(ended, until);
        _records.Add(record);
        Save();
    }

    /// <summary>Says from when on a key signs no more.</summary>
    public void Retire(ServerKeyRecord record, long until)
    {
        End(record, until);
        Save();
    }

    /// <summary>
    /// The log goes on under another name from this size on (contract, section 9): every log key of before has signed its last checkpoint, and so has a span key that is no
    /// longer there its last span.
    /// </summary>
    /// <param name="before">What a folder without a history is told of the log.</param>
    /// <param name="size">Entries that there are; the checkpoint over them is signed anew.</param>
    /// <param name="log">The log key from now on.</param>
    /// <param name="span">The span key from now on.</param>
    public void Rename(LedgerTrust before, long size, ServerKeyRecord log, ServerKeyRecord span)
    {
        if (_records.Count == 0)
        {
            _records.AddRange(before.Keys.Select(key => new ServerKeyRecord(key.Kid, key.Use, key.PublicKey, key.From, key.Until, null) { Origin = key.Origin }));
        }
        for (var i = 0; i < _records.Count; i++)
        {
            var record = _records[i];
            _records[i] = record.Use switch
            {
                "log" => record with { Origin = record.Origin ?? before.Origin, Until = record.Until ?? Math.Max(0, size - 1) },
                _ when record.Kid != span.Kid => record with { Until = record.Until ?? size },
                _ => record,
            };
        }
        _records.Add(log with { From = Math.Max(0, size - 1) });
        if (!_records.Exists(record => record.Kid == span.Kid))
        {
            _records.Add(span with { From = size });
        }
        Save();
    }

    /// <summary>What a verifier of the whole log is told.</summary>
    /// <param name="origin">The log's name today.</param>
    public LedgerTrust Trust(string origin) =>
        new(origin, [.. _records.Select(record => new LedgerKey(record.Use, record.Kid, record.PublicKey, record.Origin ?? origin, record.From, record.Until))]);

    private void End(ServerKeyRecord? record, long until)
    {
        if (record is not null)
        {
            _records[_records.IndexOf(record)] = record with { Until = until };
        }
    }

    /// <summary>Writes it as the history of a key folder.</summary>
    public void SaveIn(string folder) => PrivateFile.Write(Path.Combine(folder, FileName), ToString());

    private void Save()
    {
        if (_file is not null)
        {
            PrivateFile.Write(_file, ToString());
        }
    }

    /// <summary>The document: what the file holds.</summary>
    public override string ToString()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("v", Version);
            json.WriteStartArray("keys");
            foreach (var record in _records)
            {
                json.WriteStartObject();
                record.WriteMembers(json);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    private static DataFolderException Damaged(string place) => new($"{place} is damaged: it lists the keys that this ledger was signed with. Restore it from a backup.");
}

/// <summary>A public key of the gateway and the part of the log that it signs.</summary>
/// <param name="Kid">Its id.</param>
/// <param name="Use"><c>log</c> or <c>span</c>.</param>
/// <param name="PublicKey">32 bytes.</param>
/// <param name="From">Size of the log when it began: a log key signs checkpoints of more entries, a span key spans from this index on.</param>
/// <param name="Until">Size of the log when it ended: the largest checkpoint of a log key, the index before which a span key's last span is; null while it signs.</param>
/// <param name="Endorsement">A note (<see cref="KeyEndorsement"/>) by the log key of then; null for the first keys.</param>
public sealed record ServerKeyRecord(string Kid, string Use, byte[] PublicKey, long From, long? Until, string? Endorsement)
{
    /// <summary>The log's name while the key signed; null when that is its name today.</summary>
    public string? Origin { get; init; }

    internal void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteString("kid", Kid);
        json.WriteString("use", Use);
        json.WriteString("alg", "ed25519");
        json.WriteString("public_key", Convert.ToHexStringLower(PublicKey));
        json.WriteNumber("from_tree_size", From);
        if (Until is { } until)
        {
            json.WriteNumber("until_tree_size", until);
        }
        if (Origin is not null)
        {
            json.WriteString("origin", Origin);
        }
        if (Endorsement is not null)
        {
            json.WriteString("endorsement", Endorsement);
        }
    }

    internal static bool TryRead(JsonElement json, out ServerKeyRecord record)
    {
        record = null!;
        if (json.Text("kid") is not { } kid || json.Text("use") is not ("log" or "span") || !DomainSignature.TryDecodePublicKey(json.Text("public_key"), out var key)
            || json.Integer("from_tree_size") is not (>= 0 and var from))
        {
            return false;
        }
        record = new ServerKeyRecord(kid, json.Text("use")!, key, from, json.Integer("until_tree_size"), json.Text("endorsement")) { Origin = json.Text("origin") };
        return true;
    }
}
