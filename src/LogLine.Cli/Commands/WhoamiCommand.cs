using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Output;

namespace LogLine.Cli.Commands;

/// <summary><c>logline whoami</c>: what the gateway makes of the token in force.</summary>
internal static class WhoamiCommand
{
    public static Command Create(CommandTree tree) => tree.Leaf("whoami", "Show which token, tenant and scopes are in force.", RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await gateway.GetAsync("/v1/whoami", call.Stop)).Fails(out failure, out var me))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(me.WriteTo, line =>
        {
            foreach (var member in me.EnumerateObject())
            {
                line($"{member.Name,-12} {Text(member.Value)}", Tone.Plain);
            }
        });
    }

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Array => string.Join(", ", value.EnumerateArray().Select(Text)),
        _ => value.GetRawText(),
    };
}
