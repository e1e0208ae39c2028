using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>The calls of which primitives are made: a path of the API, and the shape of what it takes and answers.</summary>
internal sealed partial class EngineClient
{
    /// <summary>Reads; null when the engine has no such thing.</summary>
    public async Task<T?> FindAsync<T>(string path, JsonTypeInfo<T> type, string what, CancellationToken cancel) where T : class
    {
        var reply = await CallAsync(HttpMethod.Get, path, null, what, limits.Answer, cancel);
        return reply.Status == 404 ? null : reply.OrThrow().Read(type, what);
    }

    /// <summary>Reads.</summary>
    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, string what, CancellationToken cancel) =>
        (await CallAsync(HttpMethod.Get, path, null, what, limits.Answer, cancel)).OrThrow().Read(type, what);

    /// <summary>Does, without arguments in the body and without an answer. An answer of 304 says that it was done already.</summary>
    public Task DoAsync(string path, string what, CancellationToken cancel, TimeSpan more = default) => PostAsync(path, what, limits.Answer + more, cancel);

    /// <summary>Does, with arguments; the answer may be empty.</summary>
    public async Task<EngineReply> DoAsync<TBody>(string path, TBody body, JsonTypeInfo<TBody> type, string what, CancellationToken cancel) =>
        (await CallAsync(HttpMethod.Post, path, Body(body, type), what, limits.Answer, cancel)).OrThrow();

    /// <summary>Removes; the answer may be a refusal.</summary>
    public Task<EngineReply> TryDeleteAsync(string path, string what, CancellationToken cancel) => CallAsync(HttpMethod.Delete, path, null, what, limits.Answer, cancel);

    /// <summary>Sends a body as a stream, or none, and reads the answer as one, within the limit for what takes its time.</summary>
    public Task<T> TransferAsync<T>(HttpMethod method, string path, HttpContent? body, string what, TimeSpan limit, Func<EngineReply?, Stream, CancellationToken, Task<T>> read, CancellationToken cancel) =>
        SpeakAsync(prefix => waits.StreamAsync(method, prefix + path, body, what, limit, read, cancel), cancel);

    /// <summary>Sends a tar, as <paramref name="write"/> writes it; the answer is read whole.</summary>
    public async Task SendTarAsync(HttpMethod method, string path, Func<Stream, CancellationToken, Task> write, string what, CancellationToken cancel)
    {
        using var body = new WrittenContent(write, "application/x-tar");
        (await SpeakAsync(prefix => waits.CallAsync(method, prefix + path, body, what, limits.Transfer, cancel), cancel)).OrThrow();
    }

    /// <summary>Starts a command and hands over its input and output as a stream in both directions.</summary>
    public Task<T> AttachAsync<T>(string execId, bool tty, TimeSpan limit, Func<EngineStream, CancellationToken, Task<T>> use, CancellationToken cancel) =>
        SpeakAsync(prefix => waits.UpgradeAsync(
            $"{prefix}/exec/{execId}/start", JsonSerializer.SerializeToUtf8Bytes(new ExecStart(false, tty), EngineJson.Default.ExecStart), "run a command", limit,
            (error, stream, inner) =>
            {
                error?.OrThrow();
                return use(stream!, inner);
            }, cancel), cancel);

    /// <summary>A filter as the API takes it in a query.</summary>
    public static string Filters(Dictionary<string, string[]> filter) => Uri.EscapeDataString(JsonSerializer.Serialize(filter, EngineJson.Default.DictionaryStringStringArray));

    static ByteArrayContent Body<T>(T body, JsonTypeInfo<T> type) =>
        new(JsonSerializer.SerializeToUtf8Bytes(body, type)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
}
