using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Ledger;
using LogLine.Api.Tenants;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Api.Delivery.Streams;

/// <summary>
/// Tickets for browsers, whose <c>EventSource</c> and <c>WebSocket</c> send no headers: good for one filter, from one page, for one connection at a time, and for no longer
/// than the token that they came from. Kept as their hash, like tokens.
/// </summary>
internal sealed class StreamTickets(SpanLedger ledger, TenantDirectory tenants, TimeProvider time)
{
    private const string Prefix = "llt_";
    private static readonly TimeSpan FirstUse = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, CancellationTokenSource> _connections = new();

    /// <summary>A new ticket; the text is shown this once.</summary>
    /// <param name="token">The token that asks for it.</param>
    /// <param name="tenant">Its tenant.</param>
    /// <param name="filter">A JSON object with subject, run_id and intent, each if wanted.</param>
    /// <param name="origin">The page, <c>https://host[:port]</c>.</param>
    public async ValueTask<(string Ticket, DateTimeOffset FirstUseUntil, DateTimeOffset ExpiresAt)> IssueAsync(string token, string tenant, string filter, string origin)
    {
        var now = time.GetUtcNow();
        var ticket = Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await ledger.Store.InsertTicketAsync(new TicketRow(HashOf(ticket), tenant, HashOf(token), filter, origin, now + FirstUse, now + Life), now);
        return (ticket, now + FirstUse, now + Life);
    }

    /// <summary>What a ticket opens; whichever connection had it before is ended.</summary>
    /// <param name="ticket">As it was sent.</param>
    /// <param name="origins">Where the request comes from.</param>
    public async ValueTask<(StreamAccess? Access, Rejection? Refused)> OpenAsync(string ticket, IReadOnlyList<string> origins)
    {
        var hash = HashOf(ticket);
        var connection = Guid.NewGuid().ToString("N");
        if (ticket.Length > 256 || await ledger.Store.TakeTicketAsync(hash, origins, connection, time.GetUtcNow()) is not { } row
            || await tenants.AuthenticateAsync(row.TokenHash) is not { } principal || !principal.Has("read"))
        {
            return (null, new Rejection(RefusalCode.Unauthenticated, "The ticket is unknown, of another page, used too late, or its time or its token's is over. Ask for another one: POST /v1/stream/tickets."));
        }
        var name = Convert.ToHexStringLower(hash);
        var displaced = new CancellationTokenSource();
        if (_connections.TryGetValue(name, out var before))
        {
            await before.CancelAsync();
        }
        _connections[name] = displaced;
        var filter = CanonicalJson.Parse(Encoding.UTF8.GetBytes(row.Filter)).Root;
        return (new StreamAccess(SpanFilter.Of(row.Tenant, filter.Text("subject"), filter.Text("run_id"), filter.Text("intent")), IsAllowed(row.TokenHash, hash, connection))
        {
            Origin = row.Origin,
            Displaced = displaced.Token,
            Leaving = new Departure(() => _connections.TryRemove(new(name, displaced))),
        }, null);
    }

    // Whether another gateway's connection has the ticket now is asked for now and then; of this gateway's own it is known at once.
    private Func<ValueTask<bool>> IsAllowed(byte[] tokenHash, byte[] hash, string connection)
    {
        var asked = time.GetTimestamp();
        var permit = new StreamPermit(tenants, tokenHash, time);
        return async () =>
        {
            if (!await permit.IsGoodAsync())
            {
                return false;
            }
            if (time.GetElapsedTime(asked) < AskAgain)
            {
                return true;
            }
            asked = time.GetTimestamp();
            // A ticket that is forgotten opens nothing any more; what it opened goes on.
            return await ledger.Store.TicketConnectionAsync(hash) is var holder && (holder is null || holder == connection);
        };
    }

    private static byte[] HashOf(string text) => Blake3.Hash(Encoding.UTF8.GetBytes(text));

    private sealed class Departure(Action leave) : IDisposable
    {
        public void Dispose() => leave();
    }
}
