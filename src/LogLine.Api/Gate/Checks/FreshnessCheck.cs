using System.Buffers;
using LogLine.Api.Errors;
using LogLine.Api.Policy;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate.Checks;

/// <summary>Rows 7 and 9: was the request made now?</summary>
internal static class FreshnessCheck
{
    /// <summary>How far a clock may be away.</summary>
    public static readonly TimeSpan MaxSkew = TimeSpan.FromSeconds(120);

    private static readonly SearchValues<char> NonceCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-");

    public static Rejection? Present(Judgement item, OperatorPolicy policy)
    {
        var (nonce, timestamp) = (item.Submission.Nonce, item.Submission.Timestamp);
        // A signed request was refused without them before. Bytes under their own hash change nothing when they come again (decision 009).
        var isOptional = !policy.RequireFreshness || item.Submission.BytesHash is not null;
        if (isOptional && nonce is null && timestamp is null)
        {
            return null;
        }
        if (nonce is null || nonce.Length is < 16 or > 128 || nonce.AsSpan().ContainsAnyExcept(NonceCharacters))
        {
            return Missing("X-Nonce", nonce is null, "16 to 128 characters of A-Za-z0-9._~-");
        }
        return item.Submission.SentAt is not null ? null : Missing("X-Timestamp", timestamp is null, "RFC 3339, for example 2025-11-17T13:00:00Z");
    }

    public static Rejection? Timestamp(Judgement item)
    {
        if (item.Submission.SentAt is not { } sent)
        {
            return null;
        }
        var away = sent - item.Now;
        return away.Duration() <= MaxSkew ? null : new Rejection(
            RefusalCode.TimestampOutOfRange,
            $"X-Timestamp is {Math.Abs(away.TotalSeconds):0} s {(away < TimeSpan.Zero ? "behind" : "ahead of")} the server's clock; at most {MaxSkew.TotalSeconds:0} s are accepted. Send a new timestamp and nonce.")
        {
            Details = new Dictionary<string, object?> { ["server_time"] = Timestamps.Write(item.Now), ["found"] = item.Submission.Timestamp },
        };
    }

    private static Rejection Missing(string header, bool absent, string form) =>
        new(RefusalCode.FreshnessRequired, $"{header} is {(absent ? "missing" : "malformed")}: every write carries it, {form}.")
        {
            Details = new Dictionary<string, object?> { ["header"] = header, ["accepted"] = form },
        };
}
