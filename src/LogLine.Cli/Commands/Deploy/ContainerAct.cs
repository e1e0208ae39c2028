using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.Deploy;

/// <summary>One primitive on one container: subject <c>urn:container:&lt;tenant&gt;/&lt;name&gt;</c>, payload <c>{target, name, …}</c>.</summary>
internal static class ContainerAct
{
    public static Option<string> Target() =>
        new("--target") { HelpName = "PROVIDER", Description = "The engine: podman, docker; podman:ep=NAME for one that the operator named.", Required = true };

    /// <summary>Sends it and says what became of it.</summary>
    /// <param name="more">Writes the members of the payload beside target and name.</param>
    public static async Task<int> RunAsync(Call call, SpanForm form, string service, string engine, int wait, ActWords words, Action<Utf8JsonWriter> more)
    {
        if (!Identifiers.IsName(service))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{service}' is no name of a service: lower-case letters, digits, '-' and '_', at most 63."));
        }
        if (TargetSyntax.ParseEngine(engine).Fails(out var failure, out var target)
            || call.Connection().Fails(out failure, out var connection)
            || connection.Tenant().Fails(out failure, out var tenant)
            || call.Sender(connection).Fails(out failure, out var sender))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = sender;
        var span = sender.Compose(form, Identifiers.ContainerSubject(tenant, service), json =>
        {
            json.WritePropertyName("target");
            target.Root.WriteTo(json);
            json.WriteString("name", service);
            more(json);
        });
        call.Resume = () => RunLines.Unanswered(span.Subject);
        await using var progress = WaitProgress.Of(call, span, wait);
        return (await sender.SendAsync(span, call.Stop, wait)).Fails(out failure, out var ack)
            ? call.Screen.Refuse(failure)
            : RunAnswer.Report(call, sender.Client, ack, new ActWords($"{words.Doing} {service}", $"{words.Done} {service}"));
    }
}
