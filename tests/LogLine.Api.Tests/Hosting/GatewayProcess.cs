using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Hosting;

/// <summary>The gateway, or a worker, as a process of its own, which can be killed and made to stand still: what it measures, logs and does with signals is its own alone.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly bool _ownsFolder;
    private bool _isOver;
    private readonly ConcurrentQueue<string> _lines = new();

    private GatewayProcess(Process process, string folder, bool ownsFolder) => (_process, Folder, _ownsFolder) = (process, folder, ownsFolder);

    /// <summary>Its data folder.</summary>
    public string Folder { get; }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; private set; } = null!;

    public string ApiKey { get; private set; } = "";

    public HttpClient Client { get; private set; } = null!;

    /// <summary>What it has said so far.</summary>
    public IReadOnlyList<string> Lines => [.. _lines];

    /// <summary>Starts one on a folder, which stays when it ends; returns when it listens.</summary>
    /// <param name="folder">A data folder.</param>
    /// <param name="settings">Its configuration.</param>
    /// <param name="apiKey">A token; null for the one that it makes at its first start.</param>
    public static Task<GatewayProcess> StartAsync(string folder, IEnumerable<KeyValuePair<string, string?>> settings, string? apiKey = null) =>
        StartAsync(settings.ToDictionary(setting => setting.Key.Replace(":", "__", StringComparison.Ordinal), setting => setting.Value!), folder, apiKey);

    /// <summary>Starts one; returns when it listens.</summary>
    /// <param name="environment">Variables beside those of the tests.</param>
    /// <param name="folder">A data folder; a new one without.</param>
    /// <param name="apiKey">For a folder without a bootstrap token of its own.</param>
    /// <param name="url">Where to listen; a free port without.</param>
    public static async Task<GatewayProcess> StartAsync(IReadOnlyDictionary<string, string>? environment = null, string? folder = null, string? apiKey = null, string url = "http://127.0.0.1:0")
    {
        var ownsFolder = folder is null;
        folder ??= Directory.CreateTempSubdirectory("logline-process-").FullName;
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "LogLine.Api"), ["--data", folder, "--urls", url])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }
        var gateway = new GatewayProcess(new Process { StartInfo = start, EnableRaisingEvents = true }, folder, ownsFolder);
        await gateway.ListenAsync();
        gateway.ApiKey = apiKey ?? JsonElement.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "bootstrap.json"))).Text("api_key")!;
        gateway.Client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = gateway.Address, Timeout = TimeSpan.FromMinutes(2) };
        gateway.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", gateway.ApiKey);
        return gateway;
    }

    /// <summary>Posts a body with a fresh nonce and timestamp.</summary>
    public async Task<Answer> PostAsync(string body, Action<HttpRequestMessage>? change = null, string path = "/v1/spans")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("X-Nonce", Guid.NewGuid().ToString("D"));
        request.Headers.Add("X-Timestamp", Timestamps.Write(TimeProvider.System.GetUtcNow()));
        change?.Invoke(request);
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return await Answer.ReadAsync(response);
    }

    /// <summary>Sends a signal.</summary>
    public void Signal(string name) => Process.Start("kill", [$"-{name}", $"{_process.Id}"]).WaitForExit();

    /// <summary>Makes it stand still, with all its connections open.</summary>
    public void Pause() => Signal("STOP");

    /// <summary>Lets it go on.</summary>
    public void Continue() => Signal("CONT");

    /// <summary>Ends it as a machine that fails would; whoever waits for an answer is cut off.</summary>
    public async Task KillAsync()
    {
        _process.Kill(); // SIGKILL
        await _process.WaitForExitAsync();
    }

    /// <summary>Its exit code, once it has ended.</summary>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    private async Task ListenAsync()
    {
        string[] listens = ["LogLine listens on ", "The worker's health is on "];
        var ready = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process.OutputDataReceived += Hear;
        _process.ErrorDataReceived += Hear;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        // Its end is its end only when its last words were heard.
        await Task.WhenAny(ready.Task, _process.WaitForExitAsync(TestContext.Current.CancellationToken)).WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
        Address = ready.Task.IsCompleted ? new Uri(await ready.Task) : throw new InvalidOperationException("The gateway ended: " + string.Join('\n', _lines));

        void Hear(object sender, DataReceivedEventArgs heard)
        {
            if (heard.Data is not { } line)
            {
                return;
            }
            _lines.Enqueue(line);
            foreach (var words in listens.Where(words => line.Contains(words, StringComparison.Ordinal)))
            {
                ready.TrySetResult(line.Split(words)[1].Split(';')[0].Trim('"'));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isOver)
        {
            return;
        }
        _isOver = true;
        Client?.Dispose();
        if (!_process.HasExited)
        {
            await KillAsync();
        }
        _process.Dispose();
        if (_ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
