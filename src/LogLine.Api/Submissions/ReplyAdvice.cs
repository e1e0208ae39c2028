using System.Text;
using LogLine.Api.Errors;

namespace LogLine.Api.Submissions;

/// <summary>
/// Says better what a sentence lacks (docs/tdln.md, "An advisor"). None is there unless the program that hosts the gateway registers one.
/// </summary>
/// <param name="question">What was said, and what the gate says to it: copies, so that nothing of the answer but its text can be changed.</param>
/// <param name="cancel">Nobody waits for the text any more.</param>
/// <returns>The new <c>suggested_reply</c>, or null to leave it.</returns>
public delegate ValueTask<string?> ReplyAdvisor(ReplyQuestion question, CancellationToken cancel);

/// <summary>A sentence that the gate did not accept.</summary>
/// <param name="Paragraph">The sentence as it was sent; null when there was only a span.</param>
/// <param name="Missing">Fields that are missing.</param>
/// <param name="Errors">Values that are wrong.</param>
/// <param name="SuggestedReply">What would be answered without advice.</param>
public sealed record ReplyQuestion(string? Paragraph, IReadOnlyList<MissingField> Missing, IReadOnlyList<FieldError> Errors, string SuggestedReply);

/// <summary>Asks the advisor, where there is one, within limits: whatever it does, the answer is the gate's and comes in time.</summary>
internal sealed class ReplyAdvice(ReplyAdvisor? advisor, TimeProvider time, ILogger<ReplyAdvice> logger)
{
    /// <summary>Characters of a reply; a longer one is not used.</summary>
    public const int MaxCharacters = 4_000;

    /// <summary>How long an answer waits for its text.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(2);

    // An advisor that does not come back keeps its seat: a few of those, and nobody waits for it any more.
    private readonly SemaphoreSlim _seats = new(16);

    /// <summary>The refusal of a sentence, with the advisor's words for a person if it is a decision and there are any.</summary>
    public async ValueTask<Rejection> ImproveAsync(Rejection refused, string? paragraph, CancellationToken cancel)
    {
        if (advisor is null || !RefusalAnswers.IsDecision(refused) || !_seats.Wait(0, CancellationToken.None))
        {
            return refused;
        }
        var question = new ReplyQuestion(paragraph, [.. refused.Missing], [.. refused.Errors], RefusalAnswers.SuggestedReply(refused));
        try
        {
            var reply = await AskAsync(question, cancel).WaitAsync(MaxWait, time, cancel);
            return IsUsable(reply) ? refused with { SuggestedReply = reply } : refused;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception failure)
        {
            logger.LogWarning("The advisor gave no reply, so the gate's own is sent: {Failure}", failure is TimeoutException ? "it took too long" : failure.GetType().Name);
            return refused;
        }
    }

    // On a thread of its own, since an advisor may block before it waits.
    private Task<string?> AskAsync(ReplyQuestion question, CancellationToken cancel) => Task.Run(async () =>
    {
        try
        {
            using var late = new CancellationTokenSource(MaxWait, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancel);
            return await advisor!(question, either.Token);
        }
        finally
        {
            _seats.Release();
        }
    }, CancellationToken.None);

    private static bool IsUsable(string? reply) =>
        reply is { Length: > 0 and <= MaxCharacters } && !string.IsNullOrWhiteSpace(reply) && !reply.EnumerateRunes().Contains(Rune.ReplacementChar);
}
