namespace LogLine.Api.Policy;

/// <summary>Webhooks, section <c>LogLine:Webhooks</c> of the configuration.</summary>
public sealed class WebhookPolicy
{
    private const int MaxUrlLength = 2048;

    /// <summary>Whether a webhook may lead to this machine or a private network. Default: no.</summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>Whether a webhook may be plain <c>http</c>. Default: no.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>Webhooks that a tenant may have at a time. Default: 100.</summary>
    public int MaxPerTenant { get; set; } = 100;

    /// <summary>Seconds that one attempt may take, from connecting to the end of the answer. Default: 15.</summary>
    public double TimeoutSeconds { get; set; } = 15;

    /// <summary>Attempts at a time, of all webhooks; of one tenant's a quarter. Default: 64.</summary>
    public int MaxAttemptsAtOnce { get; set; } = 64;

    /// <summary>Deliveries of a webhook that its log keeps, beside those that wait. Default: 1,000.</summary>
    public int DeliveriesKept { get; set; } = 1000;

    /// <summary>Seconds for which a gateway has a webhook unless it renews that: so long after a gateway died or stands still another one delivers in its place. Default: 20.</summary>
    public double LeaseSeconds { get; set; } = 20;

    /// <summary>Multiplies every wait between attempts, and the 24 hours after which a delivery is given up. Default: 1; tests have less.</summary>
    public double RetryScale { get; set; } = 1;

    /// <summary>Why a text is no URL of a webhook at all; null when it is one.</summary>
    public static string? Malformed(string text)
    {
        if (text.Length > MaxUrlLength || !Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http") || url.Host.Length == 0)
        {
            return $"must be an absolute https URL of at most {MaxUrlLength} characters";
        }
        return url.UserInfo.Length > 0 || url.Fragment.Length > 0 ? "must have neither user information nor a fragment" : null;
    }

    /// <summary>The rule that a well-formed URL breaks, with a sentence; or null. What a name leads to is found out when it is dialled.</summary>
    public (string Rule, string Detail)? Violation(string text)
    {
        var url = new Uri(text);
        if (url.Scheme == "http" && !AllowHttp)
        {
            return ("webhooks.http", "A webhook is https; the operator does not allow http (LogLine:Webhooks:AllowHttp).");
        }
        return AddressRules.Literal(url.IdnHost) is { } address && !Allows(address)
            ? ("webhooks.private_address", $"{url.Host} is not an address of the public internet, and the operator allows no other (LogLine:Webhooks:AllowPrivateAddresses).")
            : null;
    }

    /// <summary>True when a webhook may be delivered to that address.</summary>
    public bool Allows(System.Net.IPAddress address) => AllowPrivateAddresses || AddressRules.IsPublic(address);
}
