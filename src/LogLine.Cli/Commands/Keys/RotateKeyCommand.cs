using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Keys;

/// <summary>
/// <c>logline keys rotate</c>: a new key in place of the profile's. The new one waits in <c>keys/&lt;profile&gt;.next.pem</c> until config.json
/// names it, so that a rotation that was interrupted anywhere is finished by asking again.
/// </summary>
internal static class RotateKeyCommand
{
    private static readonly SpanForm Form = new("wallet.key.rotate", "decision", "wallet/key_rotation.v1");

    public static Command Create(CommandTree tree)
    {
        var kid = new Option<string?>("--kid") { HelpName = "KID", Description = "Id of the new key [made from the key itself]." };
        return tree.Leaf("rotate", "Replace this profile's key by a new one.", call => RunAsync(call, call.Get(kid)), kid);
    }

    private static async Task<int> RunAsync(Call call, string? kid)
    {
        if (kid is not null && !Identifiers.IsKid(kid))
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
        var waiting = call.Home.KeyFile(connection.ProfileName + ".next");
        if ((await sender.Client.GetAsync("/v1/wallet/keys", call.Stop)).Fails(out failure, out var keys) || KeyFile.ReadOrMake(waiting).Fails(out failure, out var key))
        {
            return call.Screen.Refuse(failure);
        }
        using var owned = key;
        call.Resume = () => "Stopped. 'logline keys rotate' again goes on with the key that it made.";
        // Already there when an earlier rotation was cut off after the gateway had it.
        var chosen = keys.Items("items").FirstOrDefault(known => known.Text("pub") == key.PublicKeyHex).Text("kid");
        if (chosen is null)
        {
            chosen = kid ?? KeyRegistration.DefaultKid(key);
            if ((await SubmitAsync(sender, tenant, chosen, key, keys, call.Stop)).Fails(out failure, out _))
            {
                return call.Screen.Refuse(failure);
            }
        }
        return Adopt(call, connection, chosen, key) is { } unsaved ? call.Screen.Refuse(unsaved) : Report(call, connection, chosen, key);
    }

    private static async Task<Attempt<SpanAck>> SubmitAsync(SpanSender sender, string tenant, string kid, SigningKey key, JsonElement keys, CancellationToken stop)
    {
        var old = keys.Items("items").FirstOrDefault(known => known.Text("kid") == sender.Signer.Kid);
        if (old.Text("status") != "active")
        {
            return new CommandFailure("key", $"The profile's key {sender.Signer.Kid} is {old.Text("status") ?? "not registered"}: it cannot vouch for another.", "logline init --force");
        }
        var usage = old.Items("usage").Select(use => use.GetString()!).ToList();
        var span = sender.Compose(Form, Identifiers.WalletSubject(tenant), json =>
        {
            json.WriteString("new_kid", kid);
            json.WriteString("new_pub", key.PublicKeyHex);
            json.WriteString("old_kid", sender.Signer.Kid);
            json.WriteString("pop", Possession.Sign(key, tenant, kid, key.PublicKeyHex, usage));
        });
        return await sender.SendAsync(span, stop);
    }

    private static CommandFailure? Adopt(Call call, ConnectionSettings connection, string kid, SigningKey key)
    {
        var file = call.Home.KeyFile($"{connection.ProfileName}.{kid}");
        if (KeyFile.Write(file, key, overwrite: true) is { } unwritten)
        {
            return unwritten;
        }
        if (ProfileStore.Read(call.Home).Fails(out var failure, out var profiles))
        {
            return failure;
        }
        var stored = profiles.GetValueOrDefault(connection.ProfileName) ?? connection.Profile;
        if (ProfileStore.Save(call.Home, connection.ProfileName, stored with { Kid = kid, KeyFile = file }) is { } unsaved)
        {
            return unsaved;
        }
        File.Delete(call.Home.KeyFile(connection.ProfileName + ".next"));
        return null;
    }

    private static int Report(Call call, ConnectionSettings connection, string kid, SigningKey key) => call.Screen.Result(
        json =>
        {
            json.WriteStartObject();
            json.WriteString("old_kid", connection.Profile.Kid);
            json.WriteString("new_kid", kid);
            json.WriteString("public_key", key.PublicKeyHex);
            json.WriteString("key_file", call.Home.KeyFile($"{connection.ProfileName}.{kid}"));
            json.WriteEndObject();
        },
        line =>
        {
            line($"{connection.Profile.Kid} is replaced by {kid}", Tone.Good);
            line($"  file      {call.Home.KeyFile($"{connection.ProfileName}.{kid}")}", Tone.Plain);
            line($"  old file  {connection.Profile.KeyFile}: of no use any more", Tone.Quiet);
        });
}
