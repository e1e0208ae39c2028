using System.CommandLine;
using System.Text;
using System.Text.Json;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Receipts;

/// <summary>
/// <c>logline receipts verify</c>: recomputes everything that a receipt says, offline (contract, section 9). The log key comes from <c>--key</c> or the
/// profile, never from the receipt.
/// </summary>
internal static class VerifyReceiptCommand
{
    public static Command Create(CommandTree tree)
    {
        var files = new Argument<string[]>("FILE") { Description = "Receipts, as JSON or as C2SP tlog-proofs, or whole Acks; - is standard input.", Arity = ArgumentArity.ZeroOrMore, DefaultValueFactory = _ => [] };
        var all = new Option<bool>("--all") { Description = "Every receipt that this profile's writes got (the newest 1,000 are kept)." };
        var key = new Option<string?>("--key") { HelpName = "KEY", Description = "The log's public key: 64 hex characters or base64 [the profile's]." };
        var keys = new Option<string?>("--keys") { HelpName = "FILE", Description = "A saved answer of /v1/keys: the log's later keys, as far as the known one endorsed them." };
        var span = new Option<string?>("--span") { HelpName = "FILE", Description = "The span that the receipt has to be about." };
        var consistency = new Option<string?>("--consistency") { HelpName = "FILE", Description = "A proof of 'logline ledger consistency' between the trees of two receipts." };
        var witnesses = new Option<string[]>("--witness") { HelpName = "VKEY", Description = "A witness that must have cosigned the checkpoint: name+id+key; again for more.", DefaultValueFactory = _ => [] };
        var quorum = new Option<int?>("--quorum") { HelpName = "N", Description = "How many of these witnesses are enough [all]." };
        return tree.Leaf("verify", "Verify receipts offline.",
            call => Task.FromResult(WitnessPolicy.Read(call.Get(witnesses)!, call.Get(quorum)).Fails(out var failure, out var policy)
                ? call.Screen.Refuse(failure)
                : Run(call, call.Get(files), call.Get(all), call.Get(key), call.Get(keys), call.Get(span), call.Get(consistency), policy)),
            files, all, key, keys, span, consistency, witnesses, quorum);
    }

    private static int Run(Call call, string[] files, bool all, string? key, string? keysFile, string? spanFile, string? proofFile, WitnessPolicy policy)
    {
        if (all == files.Length > 0)
        {
            return call.Screen.Refuse(CommandFailure.Usage("Name receipts, or --all, and not both."));
        }
        if (call.Connection().Fails(out var failure, out var connection) || connection.LogKey(key).Fails(out failure, out var logKey)
            || LogKeys(call, keysFile, logKey).Fails(out failure, out var logKeys))
        {
            return call.Screen.Refuse(failure);
        }
        IReadOnlyList<string> chosen = all ? call.Receipts(connection).Files() : files;
        if (chosen.Count == 0)
        {
            return call.Screen.Refuse(new CommandFailure("file", $"No receipts are kept in {call.Receipts(connection).Folder} yet."));
        }
        CanonicalJson? span = null;
        if (spanFile is not null && (chosen.Count > 1 ? CommandFailure.Usage("--span goes with one receipt.") : InputFile.ReadJson(spanFile, call.Shell.Input)).Fails(out failure, out span))
        {
            return call.Screen.Refuse(failure);
        }
        var verified = chosen.Select(file => Verify(call, file, logKeys, span, policy)).ToList();
        if (proofFile is not null)
        {
            if (Between(call, proofFile, verified).Fails(out failure, out var between))
            {
                return call.Screen.Refuse(failure);
            }
            verified.Add(between);
        }
        return Report(call, verified);
    }

    private static VerifiedFile Verify(Call call, string file, IReadOnlyList<byte[]> logKeys, CanonicalJson? span, WitnessPolicy policy)
    {
        if (InputFile.Read(file, call.Shell.Input, JsonLimits.BodyBytes).Fails(out var failure, out var bytes))
        {
            return new VerifiedFile(file, null, [new VerificationStep("it can be read", failure.Message)]);
        }
        if (Receipt.IsText(bytes))
        {
            return Receipt.TryReadText(Encoding.UTF8.GetString(bytes), out var proved) is { } fault
                ? new VerifiedFile(file, null, [new VerificationStep("it is a receipt", fault)])
                : Hold(file, proved, default, logKeys, span, policy);
        }
        if (InputFile.ParseJson(file, bytes).Fails(out failure, out var json))
        {
            return new VerifiedFile(file, null, [new VerificationStep("it is strict JSON", failure.Message)]);
        }
        return Receipt.TryRead(json.Root, out var receipt) is { } malformed
            ? new VerifiedFile(file, null, [new VerificationStep("it is a receipt", malformed)])
            : Hold(file, receipt, json.Root, logKeys, span, policy);
    }

    /// <summary>Holds a receipt against the keys, and against what it came with: an Ack; nothing, where it came alone or as text.</summary>
    private static VerifiedFile Hold(string file, Receipt receipt, JsonElement ack, IReadOnlyList<byte[]> logKeys, CanonicalJson? span, WitnessPolicy policy)
    {
        var steps = new List<VerificationStep> { new("it is a receipt") };
        if (ack.Text("this") is { } name)
        {
            steps.Add(new VerificationStep("the Ack and the entry name one span", name == receipt.Entry.This ? null : $"this: the Ack is about {name}, the entry about {receipt.Entry.This}"));
        }
        // An Ack from this machine's archive brings the span that was sent.
        var bytes = span?.Utf8 ?? (ack.Member("span") is { ValueKind: JsonValueKind.Object } kept ? CanonicalJson.BytesOf(kept).ToArray() : default);
        steps.AddRange(Steps(receipt, logKeys, bytes));
        if (policy.Witnesses.Count > 0)
        {
            steps.Add(policy.Judge(receipt.Checkpoint));
        }
        return new VerifiedFile(file, receipt, steps);
    }

    /// <summary>The known log key, and those that follow from it.</summary>
    private static Attempt<List<byte[]>> LogKeys(Call call, string? keysFile, byte[] known)
    {
        if (keysFile is null)
        {
            return new List<byte[]> { known };
        }
        return InputFile.ReadJson(keysFile, call.Shell.Input).Fails(out var failure, out var json) ? failure : new List<byte[]>(KeyEndorsement.LogKeysFrom(json.Root, known));
    }

    /// <summary>Under the first key under which all holds; when there is none, what fails under the known one.</summary>
    private static IReadOnlyList<VerificationStep> Steps(Receipt receipt, IReadOnlyList<byte[]> logKeys, ReadOnlyMemory<byte> span) => logKeys
        .Select(key => receipt.Steps(key, span.Span)).OrderBy(steps => steps.All(step => step.Fault is null) ? 0 : 1).First();

    /// <summary>What the proof says about the trees of two receipts, whichever of them is the older; nothing when a receipt itself does not hold.</summary>
    private static Attempt<VerifiedFile> Between(Call call, string proofFile, List<VerifiedFile> receipts)
    {
        if (receipts.Count != 2)
        {
            return CommandFailure.Usage("--consistency goes with two receipts.");
        }
        if (InputFile.ReadJson(proofFile, call.Shell.Input).Fails(out var failure, out var json))
        {
            return failure;
        }
        if (LogConsistency.TryRead(json.Root, out var proof) is { } malformed)
        {
            return new VerifiedFile(proofFile, null, [new VerificationStep("it is a consistency proof", malformed)]);
        }
        if (receipts.Exists(one => one.Fault is not null))
        {
            return new VerifiedFile(proofFile, null, []);
        }
        var ordered = receipts.Select(one => one.Receipt!).OrderBy(receipt => receipt.TreeSize).ToList();
        return new VerifiedFile(proofFile, null, [new VerificationStep("it is a consistency proof"), proof.Between(ordered[0], ordered[1])]);
    }

    private static int Report(Call call, List<VerifiedFile> verified)
    {
        var bad = verified.FirstOrDefault(one => one.Fault is not null);
        call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("valid", bad is null);
                json.WriteStartArray("receipts");
                foreach (var one in verified)
                {
                    Write(json, one);
                }
                json.WriteEndArray();
                json.WriteEndObject();
            },
            line =>
            {
                foreach (var one in verified)
                {
                    line(one.Title, one.Fault is null ? Tone.Good : Tone.Bad);
                    VerificationSteps.Show(one.Steps, line);
                }
            });
        if (bad is null)
        {
            return ExitCodes.Done;
        }
        return call.Fail($"{bad.File}: {bad.Fault}");
    }

    private static void Write(Utf8JsonWriter json, VerifiedFile one)
    {
        json.WriteStartObject();
        json.WriteString("file", one.File);
        json.WriteBoolean("valid", one.Fault is null);
        json.WriteString("this", one.Receipt?.Entry.This);
        json.WriteString("hash", one.Receipt?.Entry.Hash);
        if (one.Receipt is { } receipt)
        {
            json.WriteNumber("log_index", receipt.LogIndex);
            json.WriteNumber("tree_size", receipt.TreeSize);
        }
        VerificationSteps.Write(json, one.Steps);
        json.WriteEndObject();
    }

    private sealed record VerifiedFile(string File, Receipt? Receipt, IReadOnlyList<VerificationStep> Steps)
    {
        /// <summary>The first thing that does not hold.</summary>
        public string? Fault => Steps.FirstOrDefault(step => step.Fault is not null)?.Fault;

        public string Title => Receipt is { } receipt ? $"{receipt.Entry.This}  {receipt.LogIndex} of {receipt.TreeSize}" : File;
    }
}
