using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.Keys;

/// <summary><c>logline keys register</c>: one more key for the tenant, of another person or machine; vouched for by this profile's.</summary>
internal static class RegisterKeyCommand
{
    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "Its private key (PKCS #8, PEM); made when the file is not there." };
        var kid = new Option<string?>("--kid") { HelpName = "KID", Description = "Id of the key [made from the key itself]." };
        var use = new Option<string[]>("--use")
        {
            HelpName = "USE", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => ["sign"],
            Description = "sign (requests, spans, manifests, proofs, grants) or admin (other keys). Again for both.",
        };
        use.AcceptOnlyFromAmong("sign", "admin");
        return tree.Leaf("register", "Add a key to the tenant.", call => RunAsync(call, call.Get(file), call.Get(kid), [.. call.Get(use)!.Distinct()]), file, kid, use);
    }

    private static async Task<int> RunAsync(Call call, string file, string? kid, string[] usage)
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
        var path = Path.GetFullPath(file);
        if (KeyFile.ReadOrMake(path).Fails(out failure, out var key))
        {
            return call.Screen.Refuse(failure);
        }
        using var owned = key;
        var chosen = kid ?? KeyRegistration.DefaultKid(key);
        var span = sender.Compose(KeyRegistration.Form, Identifiers.WalletSubject(tenant), json => KeyRegistration.WritePayload(json, tenant, chosen, key, usage));
        if ((await sender.SendAsync(span, call.Stop)).Fails(out failure, out var ack))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("kid", chosen);
                json.WriteString("public_key", key.PublicKeyHex);
                json.WriteString("key_file", path);
                json.WriteString("this", ack.This);
                json.WriteEndObject();
            },
            line =>
            {
                line($"Registered the key {chosen} for {string.Join(" and ", usage)}", Tone.Good);
                line($"  public  {key.PublicKeyHex}", Tone.Plain);
                line($"  file    {path}", Tone.Plain);
            });
    }
}
