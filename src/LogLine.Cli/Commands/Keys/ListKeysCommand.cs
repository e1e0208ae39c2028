using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Keys;

/// <summary><c>logline keys list</c>: the tenant's public keys.</summary>
internal static class ListKeysCommand
{
    public static Command Create(CommandTree tree) => tree.Leaf("list", "The tenant's public keys.", RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        if (call.Connection().Fails(out var failure, out var connection) || call.OpenGateway().Fails(out failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await gateway.GetAsync("/v1/wallet/keys", call.Stop)).Fails(out failure, out var keys))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(keys.WriteTo, line =>
        {
            foreach (var key in keys.Items("items"))
            {
                var own = key.Text("kid") == connection.Profile.Kid ? " (this profile's)" : "";
                line($"{key.Text("kid"),-24} {key.Text("status"),-8} {string.Join(", ", key.Items("usage").Select(use => use.GetString())),-12} {key.Text("pub")}{own}",
                    key.Text("status") == "active" ? Tone.Plain : Tone.Quiet);
            }
        });
    }
}
