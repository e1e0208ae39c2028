using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands;

/// <summary>What the commands that show a list of the gateway's share: one question, the whole answer with <c>--json</c>, else a line for each of <c>items</c>.</summary>
internal static class Listing
{
    /// <summary>Asks <paramref name="path"/> and shows every item.</summary>
    /// <param name="item">Says one item.</param>
    /// <param name="more">The option that goes on behind this page, or null when the list is whole.</param>
    public static async Task<int> ShowAsync(Call call, string path, Func<JsonElement, (string Text, Tone Tone)> item, string? more = null)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await gateway.GetAsync(path, call.Stop)).Fails(out failure, out var page))
        {
            return call.Screen.Refuse(failure);
        }
        call.Screen.Result(page.WriteTo, line =>
        {
            foreach (var (text, tone) in page.Items("items").Select(item))
            {
                line(text.TrimEnd(), tone);
            }
        });
        if (call.Shell.OutputIsTerminal && !call.Screen.Json && !page.Items("items").Any())
        {
            call.Note("There are none.");
        }
        if (page.Member("cursor") is { ValueKind: JsonValueKind.Number or JsonValueKind.String } cursor && more is not null)
        {
            call.Note($"There is more: {more} {cursor}");
        }
        return ExitCodes.Done;
    }

    /// <summary><c>path?name=value&amp;…</c> of what is given.</summary>
    public static string Path(string path, params (string Name, object? Value)[] query)
    {
        var given = query.Where(part => part.Value is not null)
            .Select(part => $"{part.Name}={Uri.EscapeDataString(Convert.ToString(part.Value, System.Globalization.CultureInfo.InvariantCulture)!)}").ToList();
        return given.Count == 0 ? path : $"{path}?{string.Join('&', given)}";
    }
}
