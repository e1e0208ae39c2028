using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using LogLine.Protocol.Merkle;

namespace LogLine.Api.Delivery.Witnesses;

/// <summary>What a witness answered.</summary>
/// <param name="Cosignature">The verified line, when it cosigned.</param>
/// <param name="OtherSize">The size that it cosigned last, when it wants a proof from there.</param>
/// <param name="Standing">How it stands, when it did neither.</param>
/// <param name="Reason">Why.</param>
internal readonly record struct WitnessReply(string? Cosignature, long? OtherSize, WitnessStanding Standing, string Reason);

/// <summary><c>POST add-checkpoint</c> (C2SP tlog-witness), from the log's side. An answer is bounded in time and size, and believed only as far as it verifies.</summary>
internal sealed class WitnessClient : IDisposable
{
    private const int MaxAnswerBytes = 16 * 1024;
    private readonly TimeSpan _patience;
    private readonly HttpClient _http;

    public WitnessClient(TimeSpan patience)
    {
        _patience = patience;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = patience, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    public async Task<WitnessReply> AskAsync(WitnessState witness, AddCheckpoint request, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(_patience);
        try
        {
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(request.Write()));
            content.Headers.ContentType = new MediaTypeHeaderValue("text/plain") { CharSet = "utf-8" };
            using var response = await _http.PostAsync(witness.Url, content, patience.Token);
            var text = await response.Content.ReadAsStringAsync(patience.Token);
            return Read(witness, request.Note, response.StatusCode, text);
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or InvalidOperationException || (broken is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return new WitnessReply(null, null, WitnessStanding.Unreachable, broken is OperationCanceledException ? $"no answer within {_patience.TotalSeconds:0.#} s" : broken.Message);
        }
    }

    public void Dispose() => _http.Dispose();

    private static WitnessReply Read(WitnessState witness, string note, HttpStatusCode status, string text) => status switch
    {
        HttpStatusCode.OK => Cosigned(witness, note, text) is { } line
            ? new WitnessReply(line, null, WitnessStanding.Cosigns, "")
            : new WitnessReply(null, null, WitnessStanding.Refuses, "its answer holds no cosignature of its key on this checkpoint"),
        HttpStatusCode.Conflict => long.TryParse(text.AsSpan().TrimEnd('\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            ? new WitnessReply(null, size, WitnessStanding.Disagrees, $"it cosigned a checkpoint of {size} entries last")
            : new WitnessReply(null, null, WitnessStanding.Refuses, "its 409 names no size"),
        HttpStatusCode.Forbidden => new WitnessReply(null, null, WitnessStanding.Refuses, "it does not know this log's key"),
        HttpStatusCode.NotFound => new WitnessReply(null, null, WitnessStanding.Refuses, "it does not watch this log"),
        HttpStatusCode.UnprocessableEntity => new WitnessReply(null, null, WitnessStanding.Disagrees, "what it cosigned last is no beginning of this log"),
        HttpStatusCode.BadRequest => new WitnessReply(null, null, WitnessStanding.Refuses, "it calls the request malformed"),
        _ => new WitnessReply(null, null, WitnessStanding.Unreachable, $"it answered {(int)status}"),
    };

    /// <summary>The one line that is a cosignature of this witness; a witness may send several, of keys that are not known here.</summary>
    private static string? Cosigned(WitnessState witness, string note, string text)
    {
        foreach (var line in text.Split('\n').SkipLast(1))
        {
            if (SignedNote.TryAddLine(note, line + "\n", out var cosigned) && Cosignature.TryVerify(cosigned, witness.Name, witness.PublicKey, out var time) && time > 0)
            {
                return line + "\n";
            }
        }
        return null;
    }
}
