using System.CommandLine;

namespace LogLine.Cli.Commands.Spans;

/// <summary>Which spans: the filters that query and stream share (contract, section 8).</summary>
internal sealed class SpanFilterOptions
{
    private readonly Option<string?> _subject = new("--subject") { HelpName = "URN", Description = "Of this subject." };
    private readonly Option<string?> _run = new("--run") { HelpName = "RUN", Description = "Of this run." };
    private readonly Option<string?> _intent = new("--intent") { HelpName = "INTENT", Description = "Of this intent, or of all that begin so (run_state.*)." };

    public Symbol[] All => [_subject, _run, _intent];

    public SpanChoice Of(Call call) => new(call.Get(_subject), call.Get(_run), call.Get(_intent));

    public sealed record SpanChoice(string? Subject, string? Run, string? Intent)
    {
        /// <summary><c>?subject=…&amp;run_id=…&amp;intent=…</c>, or nothing.</summary>
        public string Query()
        {
            var parts = new[] { ("subject", Subject), ("run_id", Run), ("intent", Intent) }.Where(part => part.Item2 is not null).Select(part => $"{part.Item1}={Uri.EscapeDataString(part.Item2!)}").ToList();
            return parts.Count == 0 ? "" : "?" + string.Join('&', parts);
        }
    }
}
