using System.Text.Json;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Client;

/// <summary>What a command knows of the span that it sends; the catalogue's row for its intent.</summary>
internal sealed record SpanForm(string Intent, string EntityType, string Kind);

/// <summary>Makes spans, signs them, sends them, keeps their receipts.</summary>
internal sealed class SpanSender(GatewayClient gateway, ProfileSigner signer, ReceiptArchive archive, Shell shell, Action<string> note) : IDisposable
{
    /// <summary>The gateway that it sends to.</summary>
    public GatewayClient Client => gateway;

    /// <summary>The key that it signs with.</summary>
    public ProfileSigner Signer => signer;

    /// <summary>A signed span, complete: the gate has nothing to repair.</summary>
    /// <param name="payload">Writes the members of the payload but <c>kind</c>.</param>
    public SpanDocument Compose(SpanForm form, string subject, Action<Utf8JsonWriter> payload) => new SpanDraft
    {
        Intent = form.Intent,
        Subject = subject,
        EntityType = form.EntityType,
        Actor = signer.Kid,
        Ts = shell.Time.GetUtcNow(),
        Payload = json =>
        {
            json.WriteString("kind", form.Kind);
            payload(json);
        },
    }.Sign(signer.Kid, signer.Key);

    /// <summary>Uploads an artifact, signed with the same key.</summary>
    public Task<Attempt<JsonElement>> UploadAsync(string hash, Stream content, CancellationToken stop) => gateway.UploadAsync(hash, content, signer, stop);

    /// <summary>Sends a span that is new.</summary>
    public Task<Attempt<SpanAck>> SendAsync(SpanDocument span, CancellationToken stop, int waitSeconds = 0) => SendAsync(span, Wrap(span, waitSeconds), stop);

    /// <summary>Sends a span, again where the submission was sent before.</summary>
    public async Task<Attempt<SpanAck>> SendAsync(SpanDocument span, SpanSubmission submission, CancellationToken stop)
    {
        if ((await gateway.SubmitAsync(submission, signer, stop)).Fails(out var failure, out var answer))
        {
            return failure;
        }
        var ack = new SpanAck(answer);
        if (archive.Store(ack, span) is { } lost)
        {
            note(lost);
        }
        return ack;
    }

    /// <summary>The span as a body.</summary>
    public static SpanSubmission Wrap(SpanDocument span, int waitSeconds) => new(CanonicalJson.Parse(span.Utf8)) { WaitSeconds = waitSeconds };

    public void Dispose()
    {
        gateway.Dispose();
        signer.Dispose();
    }
}
