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
/// On a ledger that several gateways share the history lies in the database beside the log, and each gateway follows it (<see cref="Follow"/>).
/// </summary>
public sealed class ServerKeys : IDisposable
{
    private readonly string _folder;
    private readonly ConcurrentDictionary<uint, string> _kids = [];
    private readonly List<SigningKey> _replaced = []; // whoever took one to sign may be about to
    private volatile KeyHistory _history;
    private volatile KeySet _signing;
    private string _origin = "";

    // Older folders have no key for webhooks, and no webhooks: that one is made where it is missing.
    private ServerKeys(string folder, SigningKey log, SigningKey span, SigningKey? nextLog) =>
        (_folder, _signing, Webhook, _history) = (folder, new KeySet(log, nextLog, span), Open(folder, "webhook", create: true), KeyHistory.Open(folder));

    /// <summary>The private keys that sign now.</summary>
    private sealed record KeySet(SigningKey Log, SigningKey? NextLog, SigningKey Span);

    /// <summary>Signs checkpoints.</summary>
    public SigningKey Log => _signing.Log;

    /// <summary>Signs checkpoints as well, while it takes the place of <see cref="Log"/>; else null.</summary>
    public SigningKey? NextLog => _signing.NextLog;

    /// <summary>Signs the gateway's own spans.</summary>
    public SigningKey Span => _signing.Span;

    /// <summary>The kids of the keys that the log is signed by now, as far as this gateway knows.</summary>
    internal string SignedBy => _history.SignedBy;

    /// <summary>Why this gateway cannot sign, although others can; null when it has every key.</summary>
    internal string? Missing { get; private set => Volatile.Write(ref field, value); }

    /// <summary>Signs deliveries to webhooks, and is what their shared secrets are derived from.</summary>
    public SigningKey Webhook { get; }

    /// <summary>Id of the webhook key.</summary>
    public string WebhookKid => "whk_" + Webhook.PublicKeyHex[..16];

    /// <summary>Id of the log key.</summary>
    public string LogKid => LogKidOf(Log);

    /// <summary>Id of the span key.</summary>
    public string SpanKid => SpanKidOf(Span);

    /// <summary>The span key with its id, of one moment.</summary>
    internal (string Kid, SigningKey Key) SpanSigner
    {
        get
        {
            var key = Span;
            return (SpanKidOf(key), key);
        }
    }

    /// <summary>True for a span key that was replaced: what it signed and is not in the log yet comes too late.</summary>
    internal bool IsReplaced(string? kid) => kid is not null && _history.Records.Any(record => record.Until is not null && record.Use == "span" && record.Kid == kid);

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
        var (log, next, _) = _signing;
        var note = SignedNote.Sign(checkpoint.Body, checkpoint.Origin, log);
        return next is null ? note : SignedNote.AddSignature(note, checkpoint.Origin, next);
    }

    /// <summary>Id of the log key that made a line of a checkpoint's note.</summary>
    internal string LogKidOf(uint keyId) =>
        _kids.GetOrAdd(keyId, id => Records.FirstOrDefault(record => record.Use == "log" && SignedNote.KeyId(record.Origin ?? _origin, record.PublicKey) == id)?.Kid ?? LogKid);

    /// <summary>Goes on with whatever replacement the files show, at this size of the log, when nothing is being signed.</summary>
    /// <exception cref="DataFolderException">The files contradict each other.</exception>
    internal void Settle(string origin, long size)
    {
        _origin = origin;
        Begin();
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

    /// <summary>The history of a new ledger: its keys, from the beginning.</summary>
    internal KeyHistory Begin()
    {
        if (Records.Count == 0)
        {
            _history.Begin(new ServerKeyRecord(LogKid, "log", Log.PublicKey.ToArray(), 0, null, null), new ServerKeyRecord(SpanKid, "span", Span.PublicKey.ToArray(), 0, null, null));
        }
        return _history;
    }

    /// <summary>
    /// Takes over what a shared ledger says of its keys. What others have signed verifies from here on; this gateway signs again once its folder has every key that signs now, and until then
    /// <see cref="Missing"/> says which it lacks.
    /// </summary>
    /// <param name="origin">The log's name.</param>
    /// <param name="told">The history in the database.</param>
    internal void Follow(string origin, KeyHistory told)
    {
        (_origin, _history) = (origin, told);
        _kids.Clear();
        var active = told.Active("log").Concat(told.Active("span")).ToList();
        var here = KeysHere(out var unreadable);
        var signing = active.Select(record => here.Find(key => key.Key.PublicKey.SequenceEqual(record.PublicKey))).ToList();
        foreach (var (key, _) in here.Except(signing))
        {
            key.Dispose();
        }
        if (signing.FindIndex(found => found.Key is null) is >= 0 and var absent)
        {
            signing.ForEach(found => found.Key?.Dispose());
            var (kid, use) = (active[absent].Kid, active[absent].Use);
            Missing = $"The ledger is signed by {kid} since it has {active[absent].From} entries, and {_folder} does not hold that key{unreadable}. Copy {use}.next.key or {use}.key there from a gateway that has it; nothing is accepted here until then";
            return;
        }
        _replaced.AddRange(new[] { Log, NextLog, Span }.OfType<SigningKey>());
        _signing = new KeySet(signing[0].Key, signing.Count > 2 ? signing[1].Key : null, signing[^1].Key);
        Missing = null;
        Keep(told, signing.Count == 2 ? signing : [signing[^1]]);
    }

    /// <summary>The keys in the folder, with their files. One that cannot be read yet, since it is being copied, is not there yet.</summary>
    private List<(SigningKey Key, string File)> KeysHere(out string unreadable)
    {
        var found = new List<(SigningKey, string)>();
        unreadable = "";
        foreach (var name in (ReadOnlySpan<string>)["log", "log.next", "span", "span.next"])
        {
            var file = Path.Combine(_folder, name + ".key");
            try
            {
                if (File.Exists(file))
                {
                    found.Add((Open(_folder, name, create: false), file));
                }
            }
            catch (Exception defect) when (defect is DataFolderException or IOException or UnauthorizedAccessException)
            {
                unreadable = $" ({defect.Message})";
            }
        }
        return found;
    }

    /// <summary>Leaves the folder as a later start wants it. One that cannot be written (a mounted secret) stays as it is: the keys in it are found all the same.</summary>
    private void Keep(KeyHistory told, IEnumerable<(SigningKey Key, string File)> alone)
    {
        try
        {
            told.SaveIn(_folder);
            foreach (var (_, file) in alone.Where(key => key.File.EndsWith(".next.key", StringComparison.Ordinal)))
            {
                File.Move(file, file.Replace(".next.key", ".key", StringComparison.Ordinal), overwrite: true);
            }
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            // As said above.
        }
    }

    /// <summary>
    /// Writes into the history of a shared ledger that a key which lies ready in a folder begins to sign, or that the older log key ends. The folder is not changed; whoever calls this brings the history
    /// into the database before anything further is signed.
    /// </summary>
    /// <param name="folder">The folder of a gateway.</param>
    /// <param name="origin">The log's name.</param>
    /// <param name="told">The history.</param>
    /// <param name="use"><c>log</c> or <c>span</c>.</param>
    /// <param name="finish">True to end the older of two log keys.</param>
    /// <param name="size">Entries that there are.</param>
    /// <exception cref="DataFolderException">The history, or what lies in the folder, does not allow it.</exception>
    internal static void Replace(string folder, string origin, KeyHistory told, string use, bool finish, long size)
    {
        using var next = Open(folder, use + ".next", create: false);
        using var log = Open(folder, "log", create: false);
        var logs = told.Active("log").ToList();
        if (!logs[0].PublicKey.AsSpan().SequenceEqual(log.PublicKey))
        {
            throw new DataFolderException($"{folder} does not hold the key {logs[0].Kid}, which signs the log. Run this where it lies.");
        }
        if (finish)
        {
            told.Retire(logs.Count == 2 && told.Find(next) == logs[1] ? logs[0] : throw NotReplaced(), size);
            return;
        }
        if (told.Find(next) is not null || (use == "log" && logs.Count == 2))
        {
            throw new DataFolderException($"The {use} key is being replaced already. Finish that first.");
        }
        var kid = use == "log" ? LogKidOf(next) : SpanKidOf(next);
        told.Add(Endorsed(origin, kid, use, next, size, log), use == "span" ? told.Active("span").Single() : null, size);
    }

    /// <summary>Ends the time in which two log keys sign: the next one alone goes on.</summary>
    /// <exception cref="DataFolderException">No log key is being replaced.</exception>
    internal void FinishLog(long size)
    {
        if (NextLog is null || _history.Find(Log) is not { } old)
        {
            throw NotReplaced();
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
        _replaced.Add(Span);
        _signing = _signing with { Span = next };
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
        _replaced.Add(Log);
        _signing = _signing with { Log = NextLog, NextLog = null };
    }

    private ServerKeyRecord Endorsed(string kid, string use, SigningKey key, long size) => Endorsed(_origin, kid, use, key, size, Log);

    private static ServerKeyRecord Endorsed(string origin, string kid, string use, SigningKey key, long size, SigningKey by) =>
        new(kid, use, key.PublicKey.ToArray(), size, null, KeyEndorsement.Sign(origin, use, kid, key.PublicKey, size, by));

    private static DataFolderException NotReplaced() => new("The log key is not being replaced: begin with 'rotate-key log'.");

    private static string LogKidOf(SigningKey key) => "log_" + key.PublicKeyHex[..16];

    private static string SpanKidOf(SigningKey key) => ServerIdentity.SpanKidOf(key.PublicKey);

    /// <summary>Where the key lies that is to take the place of another.</summary>
    internal static string NextFile(string folder, string use) => Path.Combine(folder, use + ".next.key");

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
        foreach (var key in _replaced.Append(Log).Append(Span).Append(Webhook).Append(NextLog))
        {
            key?.Dispose();
        }
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
