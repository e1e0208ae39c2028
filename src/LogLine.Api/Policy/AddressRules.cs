using System.Net;
using System.Net.Sockets;

namespace LogLine.Api.Policy;

/// <summary>
/// Which addresses belong to the public internet (IANA special-purpose registries for IPv4 and IPv6, RFC 6890). An IPv6 address that carries an IPv4 address is
/// judged by that one too.
/// </summary>
public static class AddressRules
{
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "3fff::/20",
        }.Select(IPNetwork.Parse),
    ];

    // Of IPv6 only this is given out for global use; loopback, link-local, unique local, multicast and all the rest lie outside.
    private static readonly IPNetwork Global = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");

    /// <summary>True when an address may be reached from outside by everybody, and is not this machine, its network, or a special one.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return IsPublic(address.MapToIPv4());
        }
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return !Array.Exists(Special, network => network.Contains(address));
        }
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }
        var plain = new IPAddress(address.GetAddressBytes()); // without a scope
        if (Nat64.Contains(plain))
        {
            return IsPublic(Embedded(plain, 12));
        }
        return Global.Contains(plain)
            && !Array.Exists(Special, network => network.Contains(plain))
            && (!SixToFour.Contains(plain) || IsPublic(Embedded(plain, 2)))
            && (!IsIsatap(plain) || IsPublic(Embedded(plain, 12)));
    }

    /// <summary>
    /// The address that a host of a URL is, in any of the spellings that resolvers take (decimal, octal, hexadecimal, short forms, brackets, a final dot), or null for a
    /// name. Names of this machine (<c>localhost</c> and below) are its loopback address.
    /// </summary>
    public static IPAddress? Literal(string host)
    {
        var bare = host.Trim('[', ']').TrimEnd('.');
        return IPAddress.TryParse(bare, out var address) ? address
            : bare.Equals("localhost", StringComparison.OrdinalIgnoreCase) || bare.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
            : null;
    }

    private static IPAddress Embedded(IPAddress address, int at) => new(address.GetAddressBytes().AsSpan(at, 4));

    // RFC 5214: an interface id of 00-00-5E-FE or 02-00-5E-FE and an IPv4 address.
    private static bool IsIsatap(IPAddress address) => address.GetAddressBytes() is [_, _, _, _, _, _, _, _, 0 or 2, 0, 0x5E, 0xFE, ..];
}
