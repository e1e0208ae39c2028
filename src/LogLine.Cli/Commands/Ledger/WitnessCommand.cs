using System.CommandLine;
using System.Net;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Cli.Witness;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Merkle;

namespace LogLine.Cli.Commands.Ledger;

/// <summary><c>logline ledger witness</c>: runs a C2SP witness until it is stopped.</summary>
internal static class WitnessCommand
{
    public static Command Create(CommandTree tree)
    {
        var listen = new Option<string>("--listen") { HelpName = "ADDRESS:PORT", Description = "Where to listen; TLS is a proxy's.", DefaultValueFactory = _ => "127.0.0.1:5081" };
        var name = new Option<string>("--name") { HelpName = "NAME", Description = "The witness's name, like witness.example/w1.", Required = true };
        var key = new Option<string>("--key") { HelpName = "FILE", Description = "Its private key (PKCS #8, PEM, 0600); made when neither it nor the state is there.", Required = true };
        var state = new Option<string>("--state") { HelpName = "FILE", Description = "What it cosigned last of each log. Back it up with the key, never bring back an older one.", Required = true };
        var logs = new Option<string[]>("--log") { HelpName = "VKEY", Description = "A log to watch: name+id+key, as /v1/keys shows it; again for more, also for a log's next key.", Required = true };
        return tree.Leaf("witness", "Run a witness: cosign checkpoints of logs that only grow.",
            call => RunAsync(call, call.Get(listen)!, call.Get(name)!, call.Get(key)!, call.Get(state)!, call.Get(logs)!), listen, name, key, state, logs);
    }

    private static async Task<int> RunAsync(Call call, string listen, string name, string keyFile, string stateFile, string[] vkeys)
    {
        if (!IPEndPoint.TryParse(listen, out var endpoint) || !listen.Contains(':', StringComparison.Ordinal))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{listen}' is no address and port: 127.0.0.1:5081, [::]:5081."));
        }
        if (Logs(vkeys).Fails(out var failure, out var logs) || Open(call, name, keyFile, stateFile, logs).Fails(out failure, out var witness))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = witness;
        try
        {
            await using var server = await WitnessServer.StartAsync(endpoint, witness, call.Stop);
            Announce(call, server.Address, witness);
            await Task.Delay(Timeout.InfiniteTimeSpan, call.Stop);
        }
        catch (OperationCanceledException) when (call.Stop.IsCancellationRequested)
        {
            // Being stopped is how a witness ends.
        }
        catch (IOException defect)
        {
            return call.Screen.Refuse(new CommandFailure("network", $"{listen} cannot be listened on: {defect.Message}"));
        }
        return ExitCodes.Done;
    }

    private static void Announce(Call call, string address, LogWitness witness) => call.Screen.Result(
        json =>
        {
            json.WriteStartObject();
            json.WriteString("listening", address);
            json.WriteString("name", witness.Name);
            json.WriteString("vkey", witness.VerifierKey);
            json.WriteStartArray("logs");
            foreach (var origin in witness.Origins)
            {
                json.WriteStringValue(origin);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        },
        line =>
        {
            line($"Witness {witness.VerifierKey}", Tone.Plain);
            line($"listens on {address} and watches {string.Join(", ", witness.Origins)}", Tone.Good);
        });

    private static Attempt<Dictionary<string, IReadOnlyList<byte[]>>> Logs(string[] vkeys)
    {
        var keys = new List<(string Origin, byte[] Key)>();
        foreach (var vkey in vkeys)
        {
            if (!SignedNote.TryParseVerifierKey(vkey, out var origin, out var key))
            {
                return CommandFailure.Usage($"'{vkey}' is no key of a log: name+id+key with an Ed25519 key of type 1, as /v1/keys shows it.");
            }
            keys.Add((origin, key));
        }
        return keys.GroupBy(key => key.Origin).ToDictionary(log => log.Key, log => (IReadOnlyList<byte[]>)[.. log.Select(key => key.Key)]);
    }

    private static Attempt<LogWitness> Open(Call call, string name, string keyFile, string stateFile, Dictionary<string, IReadOnlyList<byte[]>> logs)
    {
        var isNew = !File.Exists(keyFile) && !File.Exists(stateFile);
        using var made = isNew ? SigningKey.Generate() : null;
        // State first: a crash in between leaves a record of nothing and no key, which is a witness that never was.
        CommandFailure? failure;
        if (made is not null && (MakeState(name, stateFile, made) is { } unmade || (unmade = KeyFile.Write(keyFile, made, overwrite: false)) is not null))
        {
            return unmade;
        }
        if (KeyFile.Read(keyFile).Fails(out failure, out var key))
        {
            return failure;
        }
        try
        {
            _ = Cosignature.VerifierKey(name, key.PublicKey);
        }
        catch (ArgumentException defect)
        {
            key.Dispose();
            return CommandFailure.Usage($"--name: {defect.Message}");
        }
        if (WitnessRecord.Open(stateFile, isNew: false, name, key.PublicKey).Fails(out failure, out var record))
        {
            key.Dispose();
            return failure;
        }
        return new LogWitness(name, key, logs, record, call.Shell.Time);
    }

    private static CommandFailure? MakeState(string name, string stateFile, SigningKey key)
    {
        if (WitnessRecord.Open(stateFile, isNew: true, name, key.PublicKey).Fails(out var failure, out var record))
        {
            return failure;
        }
        record.Dispose();
        return null;
    }
}
