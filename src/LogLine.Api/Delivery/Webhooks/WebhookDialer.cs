using System.Net;
using System.Net.Sockets;
using LogLine.Api.Policy;

namespace LogLine.Api.Delivery.Webhooks;

/// <summary>
/// Connects to receivers, and to nothing else: a name is resolved here, every address that it has is checked, and one of the checked addresses is dialled. So a
/// name that leads somewhere else the next time it is asked (rebinding) leads nowhere.
/// </summary>
internal sealed class WebhookDialer(WebhookPolicy policy, Func<string, CancellationToken, Task<IPAddress[]>> resolve)
{
    /// <summary>Resolves as the machine does.</summary>
    public WebhookDialer(WebhookPolicy policy) : this(policy, Dns.GetHostAddressesAsync)
    {
    }

    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    /// <exception cref="WebhookAddressException">The name leads, also only in part, where a webhook must not go.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = AddressRules.Literal(host) is { } literal ? [literal] : await resolve(host, cancel);
        if (Array.Exists(addresses, address => !policy.Allows(address)))
        {
            throw new WebhookAddressException($"{host} does not lead to the public internet alone");
        }
        Exception? last = null;
        foreach (var address in addresses.Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException refused)
            {
                socket.Dispose();
                last = refused;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }
}

/// <summary>A webhook leads where it must not.</summary>
internal sealed class WebhookAddressException(string message) : IOException(message);
