using System.CommandLine;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Keys;

/// <summary><c>logline keys list</c>: the tenant's public keys.</summary>
internal static class ListKeysCommand
{
    public static Command Create(CommandTree tree) => tree.Leaf("list", "The tenant's public keys.", RunAsync);

    private static async Task<int> RunAsync(Call call) => call.Connection().Fails(out var failure, out var connection)
        ? call.Screen.Refuse(failure)
        : await Listing.ShowAsync(call, "/v1/wallet/keys", key =>
        {
            var own = key.Text("kid") == connection.Profile.Kid ? " (this profile's)" : "";
            return ($"{key.Text("kid"),-24} {key.Text("status"),-8} {string.Join(", ", key.Texts("usage")),-12} {key.Text("pub")}{own}", key.Text("status") == "active" ? Tone.Plain : Tone.Quiet);
        });
}
