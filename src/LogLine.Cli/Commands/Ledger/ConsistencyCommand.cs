using System.CommandLine;
using System.Globalization;
using System.Text;
using LogLine.Cli.Commands.Receipts;
using LogLine.Cli.Output;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>
/// <c>logline ledger consistency</c>: has the log only grown since then? Fetches the proof between two sizes, or between the trees of two receipts, verifies it
/// under the pinned log key, and keeps it for <c>receipts verify --consistency</c>.
/// </summary>
internal static class ConsistencyCommand
{
    public static Command Create(CommandTree tree)
    {
        var from = new Argument<string>("FROM") { Description = "The older tree: its size, or a receipt." };
        var to = new Argument<string>("TO") { Description = "The newer tree: its size, or a receipt [the newest].", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "" };
        var key = new Option<string?>("--key") { HelpName = "KEY", Description = "The log's public key: 64 hex characters or base64 [the profile's]." };
        var output = new Option<string?>("--out", "-o") { HelpName = "FILE", Description = "Where to keep the proof." };
        return tree.Leaf("consistency", "Prove that the log only grew between two sizes.",
            call => RunAsync(call, call.Get(from), call.Get(to), call.Get(key), call.Get(output)), from, to, key, output);
    }

    private static async Task<int> RunAsync(Call call, string from, string to, string? key, string? output)
    {
        if (Size(call, from).Fails(out var failure, out var older) || Size(call, to).Fails(out failure, out var newer)
            || call.Connection().Fails(out failure, out var connection) || connection.LogKey(key).Fails(out failure, out var logKey)
            || call.OpenGateway().Fails(out failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await gateway.GetAsync($"/v1/ledger/consistency?from={older}{(newer.Length == 0 ? "" : "&to=" + newer)}", call.Stop)).Fails(out failure, out var answer))
        {
            return call.Screen.Refuse(failure);
        }
        if (LogConsistency.TryRead(answer, out var proof) is { } malformed)
        {
            return call.Screen.Refuse(new CommandFailure("verification", $"The gateway's answer is no consistency proof: {malformed}."));
        }
        if (output is not null && OutputFile.Write(output, Encoding.UTF8.GetBytes(answer.GetRawText())) is { } unwritten)
        {
            return call.Screen.Refuse(unwritten);
        }
        return VerificationSteps.Report(call, $"{proof.Origin}  {proof.From} to {proof.To}", proof.Steps([logKey]), json =>
        {
            json.WriteNumber("from", proof.From);
            json.WriteNumber("to", proof.To);
            json.WriteString("file", output);
        });
    }

    /// <summary>A size as it is, or that of a receipt's tree; empty stays empty.</summary>
    private static Attempt<string> Size(Call call, string text)
    {
        if (text.Length == 0 || long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            return text;
        }
        if (InputFile.ReadJson(text, call.Shell.Input).Fails(out var failure, out var json))
        {
            return failure;
        }
        return Receipt.TryRead(json.Root, out var receipt) is { } malformed
            ? new CommandFailure("file", $"{text} is neither a size nor a receipt: {malformed}.")
            : receipt.TreeSize.ToString(CultureInfo.InvariantCulture);
    }
}
