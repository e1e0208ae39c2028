using System.CommandLine;
using System.Text;
using LogLine.Cli.Output;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Receipts;

/// <summary><c>logline receipts get</c>: the receipt of a span, from the gateway.</summary>
internal static class GetReceiptCommand
{
    public static Command Create(CommandTree tree)
    {
        var name = new Argument<string>("THIS") { Description = "The span: urn:span:<uuid>, or the uuid." };
        var output = new Option<string?>("--out", "-o") { HelpName = "FILE", Description = "Where to write it; standard output when left out." };
        var witnessed = new Option<bool>("--witnessed") { Description = "In the newest checkpoint that witnesses cosigned, with their cosignatures." };
        return tree.Leaf("get", "Fetch the receipt of a span.", call => RunAsync(call, call.Get(name), call.Get(output), call.Get(witnessed)), name, output, witnessed);
    }

    private static async Task<int> RunAsync(Call call, string name, string? output, bool witnessed)
    {
        var text = name.StartsWith(SpanDocument.ThisPrefix, StringComparison.Ordinal) ? name[SpanDocument.ThisPrefix.Length..] : name;
        if (!Guid.TryParseExact(text, "D", out var id))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{name}' is no span: urn:span:<uuid>."));
        }
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await gateway.GetAsync($"/v1/spans/{SpanDocument.ThisPrefix}{id:D}/receipt{(witnessed ? "?witnessed=true" : "")}", call.Stop)).Fails(out failure, out var receipt))
        {
            return call.Screen.Refuse(failure);
        }
        if (output is null)
        {
            call.Screen.Document(receipt.WriteTo);
            return ExitCodes.Done;
        }
        if (OutputFile.Write(output, Encoding.UTF8.GetBytes(receipt.GetRawText())) is { } unwritten)
        {
            return call.Screen.Refuse(unwritten);
        }
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("this", $"{SpanDocument.ThisPrefix}{id:D}");
                json.WriteString("file", output);
                json.WriteEndObject();
            },
            line => line($"{output}: verify it with 'logline receipts verify {output}'", Tone.Good));
    }
}
