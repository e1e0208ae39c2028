using System.Numerics;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands.Runs;

/// <summary>
/// Says on standard error how far a run is while the answer to its span is waited for: at a terminal in one place, which is empty again afterwards, elsewhere in a few lines. What keeps it from that
/// is not worth a word, since the answer tells how it went.
/// </summary>
internal sealed class WaitProgress : IAsyncDisposable
{
    private const string Build = "image.build";
    private const int Width = 79;
    private const int RunsLookedThrough = 20;

    /// <summary>What takes no longer is not spoken of.</summary>
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(1);

    private readonly Call _call;
    private readonly GatewayClient _gateway;
    private readonly CancellationTokenSource _over;
    private readonly Task _showing;
    private string _far = "";
    private string _said = "";
    private int _mark;

    private WaitProgress(Call call, GatewayClient gateway, Func<WaitProgress, Task> show)
    {
        (_call, _gateway, _over) = (call, gateway, CancellationTokenSource.CreateLinkedTokenSource(call.Stop));
        _showing = show(this);
    }

    /// <summary>Begins for the run that a span starts, which is looked for; null when nothing is waited for.</summary>
    public static WaitProgress? Of(Call call, SpanDocument span, int waitSeconds) =>
        waitSeconds > 0 ? Begin(call, async progress => await progress.ShowAsync(await progress.FindAsync(span), span.Intent)) : null;

    /// <summary>Begins for a run that is known.</summary>
    public static WaitProgress? Of(Call call, string run, string intent) => Begin(call, progress => progress.ShowAsync(run, intent));

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await Task.WhenAny(_showing); // broken off, or a connection was: neither is the caller's matter
        _call.Screen.Progress("");
        _over.Dispose();
        _gateway.Dispose();
    }

    /// <summary>With a connection of its own, that says nothing of its own troubles.</summary>
    private static WaitProgress? Begin(Call call, Func<WaitProgress, Task> show) =>
        call.Connection().Fails(out _, out var connection) || GatewayClient.Open(connection, call.Shell, _ => { }).Fails(out _, out var gateway) ? null : new WaitProgress(call, gateway, show);

    /// <summary>The run of a span: it is there once the span is durable, which is long before the span is answered.</summary>
    private async Task<string?> FindAsync(SpanDocument span)
    {
        while (true)
        {
            await Task.Delay(Short, _call.Shell.Time, _over.Token);
            if ((await _gateway.GetAsync($"/v1/runs?limit={RunsLookedThrough}&subject={Uri.EscapeDataString(span.Subject!)}", _over.Token)).Fails(out _, out var runs))
            {
                return null;
            }
            if (runs.Items("items").FirstOrDefault(run => run.Text("span") == span.This).Text("run_id") is { } found)
            {
                return found;
            }
        }
    }

    private async Task ShowAsync(string? run, string? intent)
    {
        if (run is null)
        {
            return;
        }
        _call.Resume = () => $"Stopped waiting; the run goes on.\n  → logline status {run} --watch";
        var listening = intent == Build && _call.Screen.ShowsProgress ? ListenAsync(run) : Task.CompletedTask;
        var events = new EventStream(_gateway, _call.Shell.Time, _ => { });
        await foreach (var received in events.FollowAsync($"/v1/stream?run_id={run}", 0, _over.Token))
        {
            if (received.Fails(out _, out var item))
            {
                break;
            }
            if (item.Gap is null)
            {
                Show(run, item.Span);
            }
        }
        await listening;
    }

    private void Show(string run, JsonElement span)
    {
        var payload = span.Member("payload");
        _far = RunStateText.Progress(payload) ?? RunStateText.Of(span) ?? _far;
        Draw(run);
        if (!_call.Screen.ShowsProgress && Mark(payload) is var mark && mark > _mark)
        {
            _mark = mark;
            _call.Note($"{run}  {_far}");
        }
    }

    /// <summary>Where no line takes another's place, one is said for each quarter; for each doubling when nobody knows of how many.</summary>
    private static int Mark(JsonElement payload) => payload.Integer("done") is not { } done ? 0
        : payload.Integer("total") is { } total and > 0 ? 1 + (int)(done * 4 / total)
        : BitOperations.Log2((ulong)done) + 1;

    /// <summary>The last line of a build: which of its steps takes so long.</summary>
    private async Task ListenAsync(string run)
    {
        await foreach (var item in RunLogStream.FollowAsync(_gateway, $"/v1/runs/{run}/logs?tail=1&follow=true", _over.Token))
        {
            if (item.Fails(out _, out var said) || said.EventType == "end")
            {
                return;
            }
            if (said.Data.Text("line") is { } line && !string.IsNullOrWhiteSpace(line))
            {
                _said = line.Replace('\t', ' ').Trim();
                Draw(run);
            }
        }
    }

    private void Draw(string run)
    {
        var text = string.Join("  ", new[] { run, _far, _said }.Where(part => part.Length > 0));
        _call.Screen.Progress(text.Length <= Width ? text : text[..(Width - 1)] + "…");
    }
}
