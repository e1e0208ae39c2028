using System.CommandLine;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.Keys;

/// <summary><c>logline keys revoke</c>: everything that the key signs from now on is refused; what it signed before stays good.</summary>
internal static class RevokeKeyCommand
{
    private static readonly SpanForm Form = new("wallet.key.revoke", "decision", "wallet/key_revocation.v1");

    public static Command Create(CommandTree tree)
    {
        var kid = new Argument<string>("KID") { Description = "The key's id, as 'logline keys list' shows it." };
        var reason = new Option<string>("--reason") { HelpName = "TEXT", Required = true, Description = "Why; it stands in the ledger." };
        var yes = new Option<bool>("--yes") { Description = "Do not ask, even if it is this profile's own key." };
        return tree.Leaf("revoke", "Refuse a key from now on.", call => RunAsync(call, call.Get(kid), call.Get(reason)!, call.Get(yes)), kid, reason, yes);
    }

    private static async Task<int> RunAsync(Call call, string kid, string reason, bool yes)
    {
        if (!Identifiers.IsKid(kid))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{kid}' is no key id: 1 to 128 of letters, digits and '._:-'."));
        }
        if (call.Connection().Fails(out var failure, out var connection)
            || connection.Tenant().Fails(out failure, out var tenant)
            || call.Sender(connection).Fails(out failure, out var sender))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = sender;
        if (kid == sender.Signer.Kid && !yes && !call.Screen.Ask($"{kid} is this profile's own key: it signs nothing afterwards. Revoke it?"))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"{kid} is this profile's own key, and was not revoked.", "Replace it with 'logline keys rotate', or add --yes."));
        }
        var span = sender.Compose(Form, Identifiers.WalletSubject(tenant), json =>
        {
            json.WriteString("kid", kid);
            json.WriteString("reason", reason);
        });
        if ((await sender.SendAsync(span, call.Stop)).Fails(out failure, out var ack))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("kid", kid);
                json.WriteString("status", "revoked");
                json.WriteString("this", ack.This);
                json.WriteNumber("log_index", ack.LogIndex ?? -1);
                json.WriteEndObject();
            },
            line => line($"Revoked {kid} at {ack.LogIndex} in the log", Tone.Good));
    }
}
