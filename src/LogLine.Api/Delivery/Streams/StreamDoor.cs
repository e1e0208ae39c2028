using System.Text;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Submissions;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;

namespace LogLine.Api.Delivery.Streams;

/// <summary>Who may follow, and what: by a token, or, for a page in a browser, by a ticket.</summary>
internal sealed class StreamDoor(RequestReader requests, TenantDirectory tenants, StreamTickets tickets, TimeProvider time)
{
    private const int MaxFilterLength = 512;

    /// <summary>What a request may see; exactly one of the two answers is set.</summary>
    public ValueTask<(StreamAccess? Access, Rejection? Refused)> OpenAsync(HttpContext http) =>
        http.Request.Query["ticket"] is [{ } ticket] && http.Request.Headers.Authorization.Count == 0 ? ByTicketAsync(http, ticket) : ByTokenAsync(http);

    private async ValueTask<(StreamAccess?, Rejection?)> ByTicketAsync(HttpContext http, string ticket)
    {
        var request = http.Request;
        // A page asks its own server without saying where it comes from; every other page says so.
        IReadOnlyList<string> origins = request.Headers.Origin is [{ } origin] ? [origin] : [$"https://{request.Host}", $"http://{request.Host}"];
        var (access, refused) = await tickets.OpenAsync(ticket, origins);
        var query = request.Query;
        if (access is null || (query["subject"].Count + query["run_id"].Count + query["intent"].Count == 0) || FilterOf(access.Filter.Tenant, query["subject"], query["run_id"], query["intent"]) == access.Filter)
        {
            return (access, refused);
        }
        access.Dispose();
        return (null, new Rejection(RefusalCode.Forbidden, "The ticket is for another filter.") { Details = new Dictionary<string, object?> { ["reason"] = "ticket" } });
    }

    private async ValueTask<(StreamAccess? Access, Rejection? Refused)> ByTokenAsync(HttpContext http)
    {
        var (principal, refused) = await requests.AuthenticateReaderAsync(http);
        if (refused is not null)
        {
            return (null, refused);
        }
        var query = http.Request.Query;
        if (FilterOf(principal!.Tenant, query["subject"], query["run_id"], query["intent"]) is not { } filter)
        {
            return (null, new Rejection(RefusalCode.MalformedHeader, $"subject, run_id and intent have at most {MaxFilterLength} characters each, and stand once."));
        }
        var header = http.Request.Headers.Authorization.ToString();
        var token = header[(header.IndexOf(' ') + 1)..].Trim();
        return (new StreamAccess(filter, new StreamPermit(tenants, Blake3.Hash(Encoding.UTF8.GetBytes(token)), time).IsGoodAsync), null);
    }

    private static SpanFilter? FilterOf(string tenant, params ReadOnlySpan<Microsoft.Extensions.Primitives.StringValues> texts)
    {
        foreach (var text in texts)
        {
            if (text.Count > 1 || text.ToString().Length > MaxFilterLength)
            {
                return null;
            }
        }
        return SpanFilter.Of(tenant, texts[0], texts[1], texts[2]);
    }
}

/// <summary>What one connection may see, and for how long.</summary>
/// <param name="Filter">The tenant's own, and what was asked for of it.</param>
/// <param name="IsAllowed">False from the moment on at which it is not allowed any more.</param>
internal sealed record StreamAccess(SpanFilter Filter, Func<ValueTask<bool>> IsAllowed) : IDisposable
{
    /// <summary>The page that a ticket is bound to, for CORS; null with a token.</summary>
    public string? Origin { get; init; }

    /// <summary>Ends the connection when another one takes its place.</summary>
    public CancellationToken Displaced { get; init; }

    /// <summary>What is to be given back.</summary>
    public IDisposable? Leaving { get; init; }

    /// <inheritdoc/>
    public void Dispose() => Leaving?.Dispose();
}
