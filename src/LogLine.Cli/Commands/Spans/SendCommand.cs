using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Spans;

/// <summary><c>logline spans send</c>: a span, or an array of them, as it is in a file.</summary>
internal static class SendCommand
{
    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "A span, or an array of 1 to 100; - is standard input." };
        var key = new Option<string?>("--idempotency-key") { HelpName = "KEY", Description = "So that sending it twice writes it once [random]." };
        var dryRun = DryRun.Option();
        return tree.Leaf("send", "Send spans from a file.", call => call.Get(dryRun) ? JudgeAsync(call, call.Get(file)) : RunAsync(call, call.Get(file), call.Get(key)), file, key, dryRun);
    }

    private static async Task<int> RunAsync(Call call, string file, string? key)
    {
        if (key is not null && (key.Length is 0 or > 255 || key.AsSpan().ContainsAnyExceptInRange('!', '~')))
        {
            return call.Screen.Refuse(CommandFailure.Usage("An idempotency key is 1 to 255 visible ASCII characters."));
        }
        if (InputFile.ReadJson(file, call.Shell.Input).Fails(out var failure, out var body)
            || call.Connection().Fails(out failure, out var connection))
        {
            return call.Screen.Refuse(failure);
        }
        var submission = key is null ? new SpanSubmission(body) : new SpanSubmission(body) { IdempotencyKey = key };
        if ((await call.WriteAsync(submission)).Fails(out failure, out var answer))
        {
            return call.Screen.Refuse(failure);
        }
        var sent = body.Root.ValueKind == JsonValueKind.Array ? body.Root.EnumerateArray().ToList() : [body.Root];
        var answers = answer.ValueKind == JsonValueKind.Array ? answer.EnumerateArray().ToList() : [answer];
        var archive = call.Receipts(connection);
        foreach (var (ack, span) in answers.Zip(sent).Where(pair => pair.First.Text("status") == "ok"))
        {
            archive.Store(new SpanAck(ack), SpanDocument.View(span));
        }
        return Report(call, answer, answers);
    }

    private static async Task<int> JudgeAsync(Call call, string file)
    {
        if (InputFile.ReadJson(file, call.Shell.Input).Fails(out var failure, out var body) || call.OpenGateway().Fails(out failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        using var given = JsonDocument.Parse(body.Given);
        var code = ExitCodes.Done;
        foreach (var span in given.RootElement.ValueKind == JsonValueKind.Array ? given.RootElement.EnumerateArray().ToList() : [given.RootElement])
        {
            code = Math.Max(code, await DryRun.ShowAsync(call, gateway, span));
        }
        return code;
    }

    private static int Report(Call call, JsonElement answer, List<JsonElement> answers)
    {
        call.Screen.Result(answer.WriteTo, line =>
        {
            foreach (var one in answers)
            {
                var ack = new SpanAck(one);
                if (one.Text("status") == "ok")
                {
                    line($"ok  {ack.This} at {ack.LogIndex} in the log{(ack.Replayed ? " (replayed)" : "")}", Tone.Good);
                    continue;
                }
                var problem = one.Member("problem") is { ValueKind: JsonValueKind.Object } inner ? inner : one;
                var refusal = GatewayAnswers.Refusal(problem.Text("code") ?? "refused", problem);
                line($"NO  {refusal.Code}: {refusal.Message}", Tone.Bad);
            }
        });
        return answers.TrueForAll(one => one.Text("status") == "ok") ? ExitCodes.Done : ExitCodes.Failed;
    }
}
