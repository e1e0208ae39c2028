using System.Security.Cryptography;
using LogLine.Api.Ledger;
using LogLine.Api.Secrets;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Workers.Working;

/// <summary>
/// Who a worker is: the key that signs what it reports (<c>keys/worker.key</c>), the runner key that opens secrets (<c>keys/runner.key</c>), and which process of it this is.
/// </summary>
internal sealed class WorkerIdentity : IDisposable
{
    private WorkerIdentity(SigningKey key, RunnerKeys runner, string name) => (Key, Runner, Name) = (key, runner, name);

    /// <summary>Signs events.</summary>
    public SigningKey Key { get; }

    /// <summary>Opens secrets.</summary>
    public RunnerKeys Runner { get; }

    /// <summary>The worker's name.</summary>
    public string Name { get; }

    /// <summary>Id of the event key.</summary>
    public string Kid => "worker_" + Key.PublicKeyHex[..16];

    /// <summary>Value of <see cref="WorkerWire.Header"/>.</summary>
    public string Id => $"{Kid}/{Instance}";

    private string Instance { get; } = Guid.NewGuid().ToString("N");

    /// <summary>Reads the keys; makes them where there are none.</summary>
    /// <exception cref="DataFolderException">A file is damaged.</exception>
    public static WorkerIdentity Open(DataFolder folder, string name)
    {
        var path = Path.Combine(folder.Keys, "worker.key");
        if (!File.Exists(path))
        {
            using var fresh = SecretBytes.Random(Ed25519.SeedSize);
            PrivateFile.Write(path, Convert.ToHexStringLower(fresh.Reveal()) + "\n");
        }
        var seed = PrivateFile.ReadSeed(path);
        try
        {
            return new WorkerIdentity(SigningKey.FromSeed(seed), RunnerKeys.Open(folder.Keys), name);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <summary>What the worker says when it comes, signed.</summary>
    /// <param name="fresh">True when this process has just begun: what an earlier one held is free then.</param>
    /// <param name="now">When.</param>
    public CanonicalJson Announce(bool fresh, DateTimeOffset now) => SignedObject.Sign(CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        json.WriteString("alg", DomainSignature.Algorithm);
        json.WriteString("event_key", Key.PublicKeyHex);
        json.WriteBoolean("fresh", fresh);
        json.WriteString("kid", Kid);
        json.WriteString("name", Name);
        json.WriteString("runner_key", Runner.PublicKeyHex);
        json.WriteString("runner_kid", Runner.Kid);
        json.WriteString("ts", Timestamps.Write(now));
        json.WriteString("type", WorkerWire.Announcement);
        json.WriteEndObject();
    }), SignatureKind.Event, Key);

    /// <inheritdoc/>
    public void Dispose() => Key.Dispose();
}
