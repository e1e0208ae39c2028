using System.Text;
using System.Text.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary>Output that presses Ctrl-C once it has so many lines.</summary>
internal sealed class StopAfter(CancellationTokenSource stop, int lines) : TextWriter
{
    private readonly List<string> _lines = [];
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override Encoding Encoding => Encoding.UTF8;

    public Task FirstLine => _first.Task;

    public IEnumerable<JsonElement> Lines => _lines.Select(line => JsonDocument.Parse(line).RootElement);

    public override void WriteLine(string? value)
    {
        _lines.Add(value!);
        _first.TrySetResult();
        if (_lines.Count == lines)
        {
            stop.Cancel();
        }
    }
}
