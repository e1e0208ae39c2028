using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Deploy;
using LogLine.Cli.Commands.Runs;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Primitives;

/// <summary>One primitive, from its command line to its result: compose, sign, send, prove when that is wanted, wait, show.</summary>
internal sealed class EngineCommand
{
    private const string TargetVariable = "LOGLINE_TARGET";
    private static readonly TimeSpan PollPause = TimeSpan.FromMilliseconds(250);

    private readonly PrimitiveIntent _intent;
    private readonly Argument<string>? _name;
    private readonly List<MemberOption> _members;
    private readonly Option<string?> _target = new("--target") { HelpName = "PROVIDER", Description = $"The engine: podman, docker; podman:ep=NAME for one that the operator named [{TargetVariable}]." };
    private readonly Option<int> _wait = RunOptions.Wait("Wait for its end, N seconds at most; 0 does not wait.", seconds: 60);
    private readonly Option<bool> _yes = new("--yes", "-y") { Description = "Make a proof without asking when one is wanted." };
    private readonly Option<bool> _dryRun = DryRun.Option();
    private readonly Option<string?> _out = new("--out", "-o") { HelpName = "FILE", Description = "Fetch the artifact that it makes (a tar) into this file, verified; a folder that ends in / is unpacked into." };

    public EngineCommand(PrimitiveIntent intent, Argument<string>? name, List<MemberOption> members) => (_intent, _name, _members) = (intent, name, members);

    /// <summary>What stands on the command line.</summary>
    public IEnumerable<Symbol> Symbols
    {
        get
        {
            IEnumerable<Symbol?> own = _intent.HasTarget ? [_target, _wait, _yes, _intent.YieldsArtifact ? _out : null] : [];
            own = own.Append(_dryRun);
            return new Symbol?[] { _name }.Concat(_members.Select(member => member.Symbol)).Concat(own).OfType<Symbol>();
        }
    }

    public async Task<int> RunAsync(Call call)
    {
        var name = _name is null ? null : call.Get(_name);
        if (name is not null && !Identifiers.IsName(name))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{name}' is no name: lower-case letters, digits, '-' and '_', at most 63."));
        }
        if (_intent.YieldsArtifact && call.Get(_out) is { } path && LocalArtifacts.Refuse(path) is { } unwritable)
        {
            return call.Screen.Refuse(unwritable);
        }
        if (Target(call).Fails(out var failure, out var target)
            || call.Connection().Fails(out failure, out var connection)
            || connection.Tenant().Fails(out failure, out var tenant)
            || call.Sender(connection).Fails(out failure, out var sender))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = sender;
        if ((await LocalArtifacts.UploadAsync(call, sender, _members)).Fails(out failure, out var artifacts) || Compose(call, sender, tenant, name, target, artifacts).Fails(out failure, out var span))
        {
            return call.Screen.Refuse(failure);
        }
        if (call.Get(_dryRun))
        {
            return await DryRun.ShowAsync(call, sender.Client, span.Root);
        }
        var wait = _intent.HasTarget ? call.Get(_wait) : 0;
        var sending = new ProvedSending(call, sender, MayProve: true, _intent.HasTarget && call.Get(_yes));
        if ((await sending.SendAsync(span, wait)).Fails(out failure, out var ack))
        {
            return call.Screen.Refuse(failure);
        }
        return await ReportAsync(call, sender.Client, ack, TimeSpan.FromSeconds(wait) - call.Shell.Time.GetElapsedTime(sending.SentAt));
    }

    private Attempt<CanonicalJson> Target(Call call)
    {
        if (!_intent.HasTarget)
        {
            return CanonicalJson.Parse("{}"u8);
        }
        return (call.Get(_target) ?? call.Shell.Variable(TargetVariable)) is { Length: > 0 } text
            ? TargetSyntax.ParseEngine(text)
            : CommandFailure.Usage("It is not said on which engine.", $"--target podman, or {TargetVariable}=podman");
    }

    private Attempt<SpanDocument> Compose(Call call, SpanSender sender, string tenant, string? name, CanonicalJson target, IReadOnlyDictionary<string, string> artifacts)
    {
        try
        {
            var payload = CanonicalJson.Compose(json =>
            {
                json.WriteStartObject();
                if (_intent.HasTarget)
                {
                    json.WritePropertyName("target");
                    target.Root.WriteTo(json);
                }
                if (_intent.Has("name"))
                {
                    json.WriteString("name", name);
                }
                foreach (var member in _members)
                {
                    if (artifacts.TryGetValue(member.Member, out var hash))
                    {
                        json.WriteString(member.Member, hash);
                    }
                    else
                    {
                        member.Write(call, json);
                    }
                }
                json.WriteEndObject();
            });
            // What is signed is in NFC: sent on, it would reach the container as other bytes than were typed.
            return payload.Altered is [var altered, ..]
                ? new CommandFailure("422_SCHEMA_INVALID", $"{altered} is not in Unicode's normal form C (NFC). Give it in NFC, or bytes on standard input or in a file.")
                : sender.Compose(_intent.Form, _intent.Subject(tenant, name), json =>
                {
                    foreach (var member in payload.Root.EnumerateObject())
                    {
                        member.WriteTo(json);
                    }
                });
        }
        catch (CommandFailureException unreadable)
        {
            return unreadable.Failure;
        }
    }

    private async Task<int> ReportAsync(Call call, GatewayClient gateway, SpanAck ack, TimeSpan rest)
    {
        if (ack.Run.Text("run_id") is not { } run)
        {
            return call.Screen.Result(ack.Root.WriteTo, line => line($"Recorded {_intent.Name}: {ack.This} at {ack.LogIndex} in the log", Tone.Good));
        }
        call.Resume = () => $"Stopped waiting; the run goes on.\n  → logline status {run} --watch";
        if ((await EndedAsync(call, gateway, run, rest)).Fails(out var failure, out var known))
        {
            return call.Screen.Refuse(failure);
        }
        var (state, result) = (known.Text("state") ?? "", known.Member("result"));
        if (_intent.YieldsArtifact && call.Get(_out) is { } wanted && !RunStateText.HasEnded(state))
        {
            return call.Screen.Refuse(new CommandFailure("run", $"{wanted} is not written: the run {run} goes on.", $"logline status {run} --watch, then logline artifacts get with the artifact of its result, or the same command with a longer --wait"));
        }
        if (_intent.YieldsArtifact && call.Get(_out) is { } path && result.Text("artifact") is { } artifact && await LocalArtifacts.FetchAsync(call, gateway, artifact, path) is { } unfetched)
        {
            return call.Screen.Refuse(unfetched);
        }
        call.Screen.Result(json => Write(json, ack, run, state, result), line => Show(call, line, run, state, result));
        if (!RunStateText.HasEnded(state))
        {
            return ExitCodes.Done;
        }
        if (state != "exited" || known.Text("reason") is not null)
        {
            RunLines.Complain(call.Screen, run, state, known);
            return ExitCodes.Failed;
        }
        if (result.Member("stdout").ValueKind == JsonValueKind.String)
        {
            return Command(call, result);
        }
        if (result.Text("error") is { } error)
        {
            // A build that failed is a result, with what it said last.
            call.Screen.Note($"logline: run {run} exited: {error}", Tone.Bad);
            return ExitCodes.Failed;
        }
        return known.Integer("exit_code") is null or 0 ? ExitCodes.Done : ExitCodes.Failed; // a removal that left something behind names it in its result
    }

    /// <summary>Of a command: its own exit code, as if it had been run here; and what its output alone does not say.</summary>
    private static int Command(Call call, JsonElement result)
    {
        if (result.Flag("timed_out") == true)
        {
            call.Screen.Note(result.Flag("killed") == true
                ? "logline: its time was over, and it was killed; --timeout-s gives it more."
                : "logline: its time was over. It could not be killed, and goes on in the container until that is stopped; --timeout-s gives it more.", Tone.Bad);
        }
        if (result.Flag("truncated") == true)
        {
            call.Note("… it said more than fits: this is the end of it. Into a file, 'logline container copy-from' brings all of it.");
        }
        return result.Integer("exit_code") is >= 0 and <= 255 and var code ? (int)code : ExitCodes.Failed;
    }

    /// <summary>The run once it has ended, or as it stands when the rest of the wait is over, most of which was the gateway's: its result is in the run alone.</summary>
    private async Task<Attempt<JsonElement>> EndedAsync(Call call, GatewayClient gateway, string run, TimeSpan rest)
    {
        var known = await gateway.GetAsync($"/v1/runs/{run}", call.Stop);
        if (rest <= TimeSpan.Zero || !GoesOn(known))
        {
            return known;
        }
        await using var progress = WaitProgress.Of(call, run, _intent.Name);
        for (var began = call.Shell.Time.GetTimestamp(); GoesOn(known) && call.Shell.Time.GetElapsedTime(began) < rest;)
        {
            await Task.Delay(PollPause, call.Shell.Time, call.Stop);
            known = await gateway.GetAsync($"/v1/runs/{run}", call.Stop);
        }
        return known;

        static bool GoesOn(Attempt<JsonElement> asked) => !asked.Fails(out _, out var known) && !RunStateText.HasEnded(known.Text("state") ?? "");
    }

    private static void Write(Utf8JsonWriter json, SpanAck ack, string run, string state, JsonElement result)
    {
        json.WriteStartObject();
        json.WriteString("run_id", run);
        json.WriteString("state", state);
        json.WritePropertyName("result");
        if (result.ValueKind == JsonValueKind.Undefined)
        {
            json.WriteNullValue();
        }
        else
        {
            result.WriteTo(json);
        }
        json.WriteString("this", ack.This);
        json.WriteEndObject();
    }

    private static void Show(Call call, Action<string, Tone> line, string run, string state, JsonElement result)
    {
        if (result.ValueKind == JsonValueKind.Undefined)
        {
            line($"{run}  {state}{(RunStateText.HasEnded(state) ? "" : $" (logline status {run} --watch)")}", SpanLines.ToneOf(state));
        }
        else if (result.Text("stdout") is { } stdout)
        {
            call.Screen.Raw(stdout, result.Text("stderr") ?? "");
        }
        else
        {
            ResultLines.Show(result, line, call.Screen.Note);
        }
    }
}
