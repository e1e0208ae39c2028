using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Deploy;

/// <summary><c>logline deploy plan</c>: what a deploy would do (<c>deploy.plan</c>); nothing is done.</summary>
internal static class PlanCommand
{
    private static readonly SpanForm Form = new("deploy.plan", "function", "deploy/plan.v1");

    public static Command Create(CommandTree tree)
    {
        var reference = new Option<string?>("--ref") { HelpName = "REF", Description = "The MiniContainer [the one applied last]." };
        var target = new Option<string>("--target") { HelpName = "TARGET", Description = "Where: provider:key=value,…; for example podman:svc=web.", Required = true };
        return tree.Leaf("plan", "Say what a deploy would do. Exits 0 when nothing would change, 2 when something would, 1 on error.",
            call => RunAsync(call, call.Get(reference), call.Get(target)!), reference, target);
    }

    private static async Task<int> RunAsync(Call call, string? wanted, string where)
    {
        if (TargetSyntax.Parse(where).Fails(out var failure, out var target)
            || call.Connection().Fails(out failure, out var connection)
            || LastApplied.Choose(call.Home, connection.ProfileName, wanted, call.Note).Fails(out failure, out var reference)
            || call.Sender(connection).Fails(out failure, out var sender))
        {
            return call.Screen.Refuse(failure with { ExitCode = ExitCodes.Failed }); // 2 says here that something would change
        }
        using var opened = sender;
        var span = sender.Compose(Form, reference.Subject, json =>
        {
            json.WriteString("ref", reference.ToString());
            json.WritePropertyName("target");
            target.Root.WriteTo(json);
        });
        if ((await sender.SendAsync(span, call.Stop)).Fails(out failure, out var ack))
        {
            return call.Screen.Refuse(failure);
        }
        var plan = ack.Result;
        call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WritePropertyName("plan");
                plan.WriteTo(json);
                json.WriteString("this", ack.This);
                json.WriteEndObject();
            },
            line => Show(line, plan, reference.ToString(), where));
        return plan.Flag("changes") == false ? ExitCodes.Done : ExitCodes.ChangesPending;
    }

    private static void Show(Action<string, Tone> line, JsonElement plan, string reference, string where)
    {
        if (plan.Flag("changes") == false)
        {
            line($"Nothing to do: {reference} is there already.", Tone.Good);
            return;
        }
        line($"{reference} on {where}: {plan.Text("strategy")}{(plan.Flag("gap") == true ? ", with a gap" : "")}", Tone.Plain);
        var number = 0;
        foreach (var action in plan.Items("actions"))
        {
            line($"  {++number}. {action.Text("action")}  {action.Text("why")}", Tone.Plain);
        }
        foreach (var change in plan.Items("diff"))
        {
            var (sign, tone) = change.Text("op") switch { "add" => ("+", Tone.Good), "remove" => ("-", Tone.Bad), _ => ("~", Tone.Warning) };
            line($"  {sign} {change.Text("path")}  {string.Join(" → ", new[] { "from", "to" }.Select(name => change.Member(name)).Where(value => value.ValueKind != JsonValueKind.Undefined).Select(Text))}", tone);
        }
        line($"  plan {plan.Text("plan_digest")}", Tone.Quiet);
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
