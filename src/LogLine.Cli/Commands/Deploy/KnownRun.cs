using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Runs;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Commands.Deploy;

/// <summary>A run as the gateway shows it, and who speaks about it there.</summary>
internal sealed record KnownRun(SpanSender Sender, JsonElement Run) : IDisposable
{
    /// <summary>The run's subject, which an act on it has too.</summary>
    public string Subject => Run.Text("subject")!;

    /// <summary>Asks the gateway for a run.</summary>
    public static async Task<Attempt<KnownRun>> OpenAsync(Call call, string run)
    {
        if (!RunStateText.IsRunId(run))
        {
            return CommandFailure.Usage($"'{run}' is no run: they look like run_01jd0g6q2x.");
        }
        if (call.Connection().Fails(out var failure, out var connection) || call.Sender(connection).Fails(out failure, out var sender))
        {
            return failure;
        }
        if ((await sender.Client.GetAsync($"/v1/runs/{run}", call.Stop)).Fails(out failure, out var known))
        {
            sender.Dispose();
            return failure;
        }
        return new KnownRun(sender, known);
    }

    public void Dispose() => Sender.Dispose();
}
