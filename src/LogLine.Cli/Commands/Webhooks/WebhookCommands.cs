using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Webhooks;

/// <summary><c>logline webhooks …</c>: what is delivered where (docs/webhooks.md).</summary>
internal static class WebhookCommands
{
    public static Command Create(CommandTree tree) => CommandTree.Branch("webhooks", "Events that are posted to a URL.",
        Create(tree, "create"), List(tree), Show(tree), Remove(tree), Deliveries(tree), Replay(tree), Rotate(tree));

    private static Command Create(CommandTree tree, string name)
    {
        var url = new Argument<string>("URL") { Description = "Where events are posted: https, unless the operator allows http." };
        var events = new Option<string[]>("--events", "--event") { HelpName = "INTENT", Required = true, AllowMultipleArgumentsPerToken = true, Description = "What is delivered: an intent, a pattern (run_state.*), or *. Again for more." };
        var description = new Option<string?>("--description") { HelpName = "TEXT", Description = "What it is for, for people." };
        return tree.Leaf(name, "Have events delivered; the secret is shown once.", call => WriteAsync(call, "/v1/webhooks", json =>
        {
            json.WriteString("url", call.Get(url));
            json.WriteStartArray("events");
            foreach (var pattern in call.Get(events)!.Distinct())
            {
                json.WriteStringValue(pattern);
            }
            json.WriteEndArray();
            if (call.Get(description) is { } text)
            {
                json.WriteString("description", text);
            }
        }, (made, line) =>
        {
            line($"Made {made.Text("id")}", Tone.Good);
            Secret(made, line);
        }), url, events, description);
    }

    private static Command List(CommandTree tree) => tree.Leaf("list", "The tenant's webhooks.", call => Listing.ShowAsync(call, "/v1/webhooks", webhook =>
        ($"{webhook.Text("id"),-19} {webhook.Text("status"),-8} at {webhook.Integer("cursor"),-8} {webhook.Text("url")}  {string.Join(", ", webhook.Texts("events"))}{(webhook.Text("failing_since") is { } since ? $"  failing since {since}" : "")}",
            webhook.Text("status") == "active" ? webhook.Text("failing_since") is null ? Tone.Plain : Tone.Warning : Tone.Quiet)));

    private static Command Show(CommandTree tree)
    {
        var id = Id();
        return tree.Leaf("show", "One webhook as it stands.", call => ShowAsync(call, call.Get(id)), id);
    }

    private static Command Remove(CommandTree tree)
    {
        var id = Id();
        return tree.Leaf("remove", "Delete a webhook; what waits for it is forgotten.", call => RemoveAsync(call, call.Get(id)), id);
    }

    private static Command Deliveries(CommandTree tree)
    {
        var id = Id();
        var state = new Option<string?>("--state") { HelpName = "STATE", Description = "Only those that are waiting, delivered or dead." };
        state.AcceptOnlyFromAmong("waiting", "delivered", "dead");
        var before = new Option<long?>("--before") { HelpName = "SEQ", Description = "Only those before this place in the log." };
        var limit = new Option<int>("--limit") { HelpName = "N", DefaultValueFactory = _ => 20, Description = "How many, at most 1000." };
        return tree.Leaf("deliveries", "The log of deliveries, newest first.",
            call => Listing.ShowAsync(call, Listing.Path(Of(call.Get(id), "/deliveries"), ("state", call.Get(state)), ("before", call.Get(before)), ("limit", call.Get(limit))), delivery =>
            {
                var outcome = delivery.Integer("status")?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? delivery.Text("error");
                return ($"{delivery.Integer("seq"),-8} {delivery.Text("state"),-9} {delivery.Integer("attempts"),3}x  {delivery.Text("event"),-20} {delivery.Text("subject")}  {outcome}{(delivery.Text("next_attempt_at") is { } next ? $", again at {next}" : "")}",
                    delivery.Text("state") switch { "dead" => Tone.Bad, "waiting" => Tone.Warning, _ => Tone.Plain });
            }, "--before"), id, state, before, limit);
    }

    private static Command Replay(CommandTree tree)
    {
        var id = Id();
        var seq = new Option<long?>("--seq") { HelpName = "SEQ", Description = "One event." };
        var after = new Option<long?>("--after") { HelpName = "SEQ", Description = "All behind this place in the log." };
        return tree.Leaf("replay", "Deliver again: one event, all behind a place, or, with neither, the dead letters.", call => WriteAsync(call, Of(call.Get(id), "/replay"), json =>
        {
            WriteNumber(json, "seq", call.Get(seq));
            WriteNumber(json, "after", call.Get(after));
        }, (_, line) => line($"Delivering again to {call.Get(id)} (logline webhooks deliveries {call.Get(id)})", Tone.Good)), id, seq, after);
    }

    private static Command Rotate(CommandTree tree)
    {
        var id = Id();
        var overlap = new Option<long?>("--overlap") { HelpName = "SECONDS", Description = "How long the old secret signs too [a day]." };
        return tree.Leaf("rotate", "Give a webhook a new secret; it is shown once.",
            call => WriteAsync(call, Of(call.Get(id), "/rotate"), json => WriteNumber(json, "overlap_seconds", call.Get(overlap)), (made, line) =>
            {
                line($"{made.Text("id")} has a new secret; the old one signs too until {made.Text("overlap_until")}", Tone.Good);
                Secret(made, line);
            }), id, overlap);
    }

    private static async Task<int> ShowAsync(Call call, string id)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        return (await gateway.GetAsync(Of(id), call.Stop)).Fails(out failure, out var webhook)
            ? call.Screen.Refuse(failure)
            : call.Screen.Result(webhook.WriteTo, line => ResultLines.Show(webhook, line, call.Screen.Note));
    }

    private static async Task<int> RemoveAsync(Call call, string id)
    {
        if ((await call.WriteAsync(new SpanSubmission(Body(_ => { })) { Method = HttpMethod.Delete, Path = Of(id) })).Fails(out var failure, out _))
        {
            return call.Screen.Refuse(failure);
        }
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("id", id);
                json.WriteString("status", "removed");
                json.WriteEndObject();
            },
            line => line($"Removed {id}: nothing is delivered to it from now on", Tone.Good));
    }

    private static async Task<int> WriteAsync(Call call, string path, Action<Utf8JsonWriter> body, Action<JsonElement, Action<string, Tone>> lines) =>
        (await call.WriteAsync(new SpanSubmission(Body(body)) { Path = path })).Fails(out var failure, out var answer)
            ? call.Screen.Refuse(failure)
            : call.Screen.Result(answer.WriteTo, line => lines(answer, line));

    private static CanonicalJson Body(Action<Utf8JsonWriter> members) => CanonicalJson.Compose(json =>
    {
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
    });

    private static void Secret(JsonElement made, Action<string, Tone> line)
    {
        if (made.Text("secret") is { } secret)
        {
            line($"  secret      {secret}", Tone.Plain);
            line("              shown this once; verifies v1 signatures", Tone.Quiet);
        }
        else
        {
            line("  The secret was in the answer to an earlier sending, which is lost: logline webhooks rotate makes another.", Tone.Warning);
        }
        line($"  public key  {made.Text("public_key")}", Tone.Plain);
        line("              the gateway's; verifies v1a signatures", Tone.Quiet);
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    private static Argument<string> Id() => new("ID") { Description = "The webhook: wh_…, as 'logline webhooks list' shows it." };

    private static string Of(string id, string more = "") => "/v1/webhooks/" + Uri.EscapeDataString(id) + more;
}
