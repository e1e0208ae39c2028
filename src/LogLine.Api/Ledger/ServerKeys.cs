using System.Collections.Concurrent;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Ledger;

/// <summary>
/// The gateway's own keys: one signs checkpoints, another one spans (contract, section 9). Seeds lie in <c>keys/*.key</c>, hex, mode 0600; <c>history.json</c> has
/// every public key that there was. Replacing a key is a step from one file to the next, each whole or not at all, and <see cref="Settle"/> goes on wherever a crash left it:
/// <code>
/// span:  span.next.key  →  history has both  →  span.next.key becomes span.key
/// log:   log.next.key   →  history has both: both sign  →  history ends the old one  →  log.next.key becomes log.key
/// </code>
/// </summary>
public sealed class ServerKeys : IDisposable
{
    private readonly string _folder;
    private readonly KeyHistory _history;
    private readonly ConcurrentDictionary<uint, string> _kids = [];
    private string _origin = "";

    // Older folders have no key for webhooks, and no webhooks: that one is made where it is missing.
    private ServerKeys(string folder, SigningKey log, SigningKey span, SigningKey? nextLog) =>
        (_folder, Log, Span, NextLog, Webhook, _history) = (folder, log, span, nextLog, Open(folder, "webhook", create: true), KeyHistory.Open(folder));

    /// <summary>Signs checkpoints.</summary>
    public SigningKey Log { get; private set; }

    /// <summary>Signs checkpoints as well, while it takes the place of <see cref="Log"/>; else null.</summary>
    public SigningKey? NextLog { get; private set; }

    /// <summary>Signs the gateway's own spans.</summary>
    public SigningKey Span { get; private set; }

    /// <summary>Signs deliveries to webhooks, and is what their shared secrets are derived from.</summary>
    public SigningKey Webhook { get; }

    /// <summary>Id of the webhook key.</summary>
    public string WebhookKid => "whk_" + Webhook.PublicKeyHex[..16];

    /// <summary>Id of the log key.</summary>
    public string LogKid => LogKidOf(Log);

    /// <summary>Id of the span key.</summary>
    public string SpanKid => SpanKidOf(Span);

    /// <summary>Every key that there was, oldest first.</summary>
    public IReadOnlyList<ServerKeyRecord> Records => _history.Records;

    /// <summary>Reads the keys; makes them when the folder is new.</summary>
    /// <exception cref="DataFolderException">A key is missing or malformed in a folder that is not new.</exception>
    public static ServerKeys Open(string folder, bool create) =>
        new(folder, Open(folder, "log", create), Open(folder, "span", create), File.Exists(NextFile(folder, "log")) ? Open(folder, "log.next", create: false) : null);

    /// <summary>Makes the key that is to come, beside the one in force; the next start takes it up.</summary>
    /// <exception cref="DataFolderException">One is being replaced already.</exception>
    public static void Prepare(string folder, string use)
    {
        if (File.Exists(NextFile(folder, use)))
        {
            throw new DataFolderException($"{NextFile(folder, use)} is there: the {use} key is being replaced already. Finish that first.");
        }
        Make(NextFile(folder, use));
    }

    /// <summary>The log keys that may have signed the checkpoint of a size: those of that part of the log, if this folder's key is one of the log's.</summary>
    internal IReadOnlyList<byte[]> LogKeysAt(long size) => _history.Find(Log) is null
        ? [Log.PublicKey.ToArray()]
        : [.. Records.Where(record => record.Use == "log" && record.From < size && !(record.Until < size)).Select(record => record.PublicKey)];

    /// <summary>What a verifier of the whole log is told of its keys.</summary>
    /// <param name="origin">The log's name today.</param>
    internal LedgerTrust Trust(string origin) => _history.Trust(origin);

    /// <summary>Gives a log that was restored or imported a new log key, and a span key when its own is not there.</summary>
    /// <param name="folder">The folder with the keys.</param>
    /// <param name="before">What is known of its keys.</param>
    /// <param name="size">Entries that there are.</param>
    /// <returns>The keys, and the new name.</returns>
    internal static (ServerKeys Keys, string Origin) Rename(string folder, LedgerTrust before, long size)
    {
        File.Delete(Path.Combine(folder, "log.key"));
        File.Delete(NextFile(folder, "log"));
        var keys = Open(folder, create: true);
        keys._history.Rename(before, size, new ServerKeyRecord(keys.LogKid, "log", keys.Log.PublicKey.ToArray(), 0, null, null), new ServerKeyRecord(keys.SpanKid, "span", keys.Span.PublicKey.ToArray(), 0, null, null));
        return (keys, keys.NewOrigin);
    }

    /// <summary>What a log is called that begins, or goes on, with this log key.</summary>
    internal string NewOrigin => "logline.local/" + Log.PublicKeyHex[..16];

    /// <summary>A checkpoint's note: signed by the log key, and by the next one while there is one.</summary>
    internal string Sign(Checkpoint checkpoint)
    {
        var note = SignedNote.Sign(checkpoint.Body, checkpoint.Origin, Log);
        return NextLog is null ? note : SignedNote.AddSignature(note, checkpoint.Origin, NextLog);
    }

    /// <summary>Id of the log key that made a line of a checkpoint's note.</summary>
    internal string LogKidOf(uint keyId) =>
        _kids.GetOrAdd(keyId, id => Records.FirstOrDefault(record => record.Use == "log" && SignedNote.KeyId(record.Origin ?? _origin, record.PublicKey) == id)?.Kid ?? LogKid);

    /// <summary>Goes on with whatever replacement the files show, at this size of the log, when nothing is being signed.</summary>
    /// <exception cref="DataFolderException">The files contradict each other.</exception>
    internal void Settle(string origin, long size)
    {
        _origin = origin;
        if (Records.Count == 0)
        {
            _history.Begin(new ServerKeyRecord(LogKid, "log", Log.PublicKey.ToArray(), 0, null, null), new ServerKeyRecord(SpanKid, "span", Span.PublicKey.ToArray(), 0, null, null));
        }
        SettleSpan(size);
        SettleLog(size);
        foreach (var record in Records.Where(record => record.Until is null))
        {
            var isHere = new[] { Log, Span, NextLog }.Any(key => key is not null && key.PublicKey.SequenceEqual(record.PublicKey));
            if (!isHere)
            {
                throw new DataFolderException($"{_folder} has no private key {record.Kid}, which signs this ledger. Restore the folder from a backup.");
            }
        }
    }

    /// <summary>Ends the time in which two log keys sign: the next one alone goes on.</summary>
    /// <exception cref="DataFolderException">No log key is being replaced.</exception>
    internal void FinishLog(long size)
    {
        if (NextLog is null || _history.Find(Log) is not { } old)
        {
            throw new DataFolderException("The log key is not being replaced: begin with 'rotate-key log'.");
        }
        _history.Retire(old, size);
        SettleLog(size);
    }

    private void SettleSpan(long size)
    {
        if (!File.Exists(NextFile(_folder, "span")))
        {
            return;
        }
        var next = Open(_folder, "span.next", create: false);
        if (_history.Find(next) is null)
        {
            _history.Add(Endorsed(SpanKidOf(next), "span", next, size), _history.Find(Span), size);
        }
        File.Move(NextFile(_folder, "span"), Path.Combine(_folder, "span.key"), overwrite: true);
        Span.Dispose();
        Span = next;
    }

    private void SettleLog(long size)
    {
        if (NextLog is null)
        {
            return;
        }
        if (_history.Find(NextLog) is null)
        {
            _history.Add(Endorsed(LogKidOf(NextLog), "log", NextLog, size));
        }
        if (_history.Find(Log)?.Until is null)
        {
            return;
        }
        File.Move(NextFile(_folder, "log"), Path.Combine(_folder, "log.key"), overwrite: true);
        Log.Dispose();
        (Log, NextLog) = (NextLog, null);
    }

    private ServerKeyRecord Endorsed(string kid, string use, SigningKey key, long size) =>
        new(kid, use, key.PublicKey.ToArray(), size, null, KeyEndorsement.Sign(_origin, use, kid, key.PublicKey, size, Log));

    private static string LogKidOf(SigningKey key) => "log_" + key.PublicKeyHex[..16];

    private static string SpanKidOf(SigningKey key) => ServerIdentity.SpanKidOf(key.PublicKey);

    private static string NextFile(string folder, string use) => Path.Combine(folder, use + ".next.key");

    private static void Make(string path)
    {
        using var fresh = SecretBytes.Random(Ed25519.SeedSize);
        PrivateFile.Write(path, Convert.ToHexStringLower(fresh.Reveal()) + "\n");
    }

    private static SigningKey Open(string folder, string name, bool create)
    {
        var path = Path.Combine(folder, name + ".key");
        if (!File.Exists(path))
        {
            if (!create)
            {
                throw new DataFolderException($"{path} is missing. Without it the ledger cannot go on under its name: restore the file from a backup.");
            }
            Make(path);
        }
        var seed = PrivateFile.ReadSeed(path);
        var key = SigningKey.FromSeed(seed);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(seed);
        return key;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Log.Dispose();
        Span.Dispose();
        Webhook.Dispose();
        NextLog?.Dispose();
    }
}

/// <summary>Files that only their owner may read.</summary>
internal static class PrivateFile
{
    /// <summary>Writes a new file with mode 0600 as a whole: a crash leaves the old one or the new one.</summary>
    public static void Write(string path, string content)
    {
        var draft = path + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        using (var stream = new FileStream(draft, options))
        {
            stream.Write(System.Text.Encoding.UTF8.GetBytes(content));
            stream.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Reads the 32 bytes of a key's seed, which stand in hex; the caller wipes them.</summary>
    /// <exception cref="DataFolderException">The file holds something else.</exception>
    public static byte[] ReadSeed(string path)
    {
        var seed = new byte[32];
        var text = File.ReadAllText(path).Trim();
        return text.Length == 64 && Convert.FromHexString(text, seed, out _, out _) == System.Buffers.OperationStatus.Done
            ? seed
            : throw new DataFolderException($"{path} is damaged: it must hold 64 hex characters. Restore it from a backup.");
    }
}
