using System.CommandLine;
using System.Text;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary><c>logline login</c>: remembers a gateway and a token that somebody gave; <c>init</c> adds a key.</summary>
internal static class LoginCommand
{
    public static Command Create(CommandTree tree)
    {
        var standardInput = new Option<bool>("--token-stdin") { Description = "Read the token from standard input, where no process list shows it." };
        return tree.Leaf("login", "Remember a gateway and a token.", call => RunAsync(call, call.Get(standardInput)), standardInput);
    }

    private static async Task<int> RunAsync(Call call, bool standardInput)
    {
        var flags = call.Flags;
        if (standardInput)
        {
            using var reader = new StreamReader(call.Shell.Input, Encoding.UTF8, leaveOpen: true);
            flags = flags with { Token = (await reader.ReadLineAsync(call.Stop))?.Trim() };
        }
        if (ConnectionSettings.Resolve(call.Home, flags, call.Shell.Variable, making: true).Fails(out var failure, out var wanted)
            || GatewayClient.Open(wanted, call.Shell, call.Note).Fails(out failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await gateway.GetAsync("/v1/whoami", call.Stop)).Fails(out failure, out var me) || (await gateway.GetAsync("/v1/keys", call.Stop)).Fails(out failure, out var keys))
        {
            return call.Screen.Refuse(failure);
        }
        var isSameTenant = wanted.Profile.Tenant == me.Text("tenant");
        var profile = wanted.Profile with
        {
            Tenant = me.Text("tenant"),
            Env = me.Text("env"),
            ServerPublicKey = wanted.Profile.ServerPublicKey ?? keys.Items("keys").FirstOrDefault(key => key.Text("use") == "log").Text("public_key"),
            // A key of another tenant signs nothing here.
            Kid = isSameTenant ? wanted.Profile.Kid : null,
            KeyFile = isSameTenant ? wanted.Profile.KeyFile : null,
        };
        if (ProfileStore.Save(call.Home, wanted.ProfileName, profile) is { } unsaved)
        {
            return call.Screen.Refuse(unsaved);
        }
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("profile", wanted.ProfileName);
                json.WriteString("base_url", profile.BaseUrl);
                json.WriteString("tenant", profile.Tenant);
                json.WriteString("env", profile.Env);
                json.WriteString("token_id", me.Text("token_id"));
                json.WriteEndObject();
            },
            line =>
            {
                line($"Logged in to {profile.BaseUrl} as {me.Text("token_id")} of {profile.Tenant} ({profile.Env})", Tone.Good);
                line($"  may      {string.Join(", ", me.Texts("scopes"))}", Tone.Plain);
                line($"  log key  {profile.ServerPublicKey}", Tone.Plain);
                if (profile.Kid is null)
                {
                    line("  no key yet: 'logline init' makes one, and signs from then on", Tone.Quiet);
                }
            });
    }
}
