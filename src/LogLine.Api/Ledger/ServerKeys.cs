using LogLine.Protocol.Crypto;

namespace LogLine.Api.Ledger;

/// <summary>
/// The gateway's own keys: one signs checkpoints, another one spans, a third one webhooks (contract, section 9). Seeds lie in <c>keys/*.key</c>, hex, mode 0600.
/// </summary>
public sealed class ServerKeys : IDisposable
{
    private ServerKeys(SigningKey log, SigningKey span, SigningKey webhook) => (Log, Span, Webhook) = (log, span, webhook);

    /// <summary>Signs checkpoints.</summary>
    public SigningKey Log { get; }

    /// <summary>Signs the gateway's own spans.</summary>
    public SigningKey Span { get; }

    /// <summary>Signs deliveries to webhooks, and is what their shared secrets are derived from.</summary>
    public SigningKey Webhook { get; }

    /// <summary>Id of the webhook key.</summary>
    public string WebhookKid => "whk_" + Webhook.PublicKeyHex[..16];

    /// <summary>Id of the log key.</summary>
    public string LogKid => "log_" + Log.PublicKeyHex[..16];

    /// <summary>Id of the span key.</summary>
    public string SpanKid => "srv_" + Span.PublicKeyHex[..16];

    /// <summary>Reads the keys; makes them when the folder is new.</summary>
    /// <exception cref="DataFolderException">A key is missing or malformed in a folder that is not new.</exception>
    public static ServerKeys Open(string folder, bool create) => 
        // Older folders have no key for webhooks, and no webhooks.
        new(Open(folder, "log", create), Open(folder, "span", create), Open(folder, "webhook", create: true));

    private static SigningKey Open(string folder, string name, bool create)
    {
        var path = Path.Combine(folder, name + ".key");
        if (!File.Exists(path))
        {
            if (!create)
            {
                throw new DataFolderException($"{path} is missing. Without it the ledger cannot go on under its name: restore the file from a backup.");
            }
            using var fresh = SecretBytes.Random(Ed25519.SeedSize);
            PrivateFile.Write(path, Convert.ToHexStringLower(fresh.Reveal()) + "\n");
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
