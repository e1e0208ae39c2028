namespace LogLine.Api.Ledger;

/// <summary>What kind of thing a commit has changed.</summary>
public enum TouchedKind
{
    /// <summary>A key of a tenant; <see cref="Touched.Id"/> is its kid.</summary>
    Key,
    /// <summary>A token of a tenant; <see cref="Touched.Id"/> is its token id.</summary>
    Token,
    /// <summary>A tenant's quotas or policy.</summary>
    Tenant,
    /// <summary>A webhook; <see cref="Touched.Id"/> is its webhook id.</summary>
    Webhook,
    /// <summary>A run; <see cref="Touched.Id"/> is its run id.</summary>
    Run,
    /// <summary>A span whose content was erased; <see cref="Touched.Id"/> is its name.</summary>
    Span,
    /// <summary>The log's minimum index; <see cref="Touched.Id"/> is that, in decimal.</summary>
    Minimum,
}

/// <summary>
/// One thing that a commit has changed, for those who keep copies of rows or wait for a change. It says what, not how, so it is small enough
/// to reach every gateway on the same store.
/// </summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Tenant">Whose; empty where <paramref name="Id"/> says enough.</param>
/// <param name="Id">Which; empty where the tenant says enough.</param>
public readonly record struct Touched(TouchedKind Kind, string Tenant, string Id)
{
    /// <summary>What an effect changes of which others keep copies; null when nobody does.</summary>
    public static Touched? By(LedgerEffect effect) => effect switch
    {
        LedgerEffect.KeyRegistered { Key: var key } => new Touched(TouchedKind.Key, key.Tenant, key.Kid),
        LedgerEffect.KeyRetired retired => new Touched(TouchedKind.Key, retired.Tenant, retired.Kid),
        LedgerEffect.KeyRevoked revoked => new Touched(TouchedKind.Key, revoked.Tenant, revoked.Kid),
        LedgerEffect.TokenRevoked token => new Touched(TouchedKind.Token, token.Tenant, token.TokenId),
        LedgerEffect.QuotaSet { Quota: var quota } => new Touched(TouchedKind.Tenant, quota.Tenant, ""),
        LedgerEffect.PolicySet policy => new Touched(TouchedKind.Tenant, policy.Tenant, ""),
        LedgerEffect.WebhookChange webhook => new Touched(TouchedKind.Webhook, webhook.Tenant, webhook.WebhookId),
        LedgerEffect.RunCreated { Run: var run } => new Touched(TouchedKind.Run, run.Tenant, run.RunId),
        LedgerEffect.RunMoved { To: var run } => new Touched(TouchedKind.Run, run.Tenant, run.RunId),
        LedgerEffect.SpanErased erased => new Touched(TouchedKind.Span, erased.Tenant, erased.This),
        LedgerEffect.LogPruned pruned => new Touched(TouchedKind.Minimum, "", pruned.Minimum.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        LedgerEffect.RunCancelRequested cancel => new Touched(TouchedKind.Run, "", cancel.RunId),
        _ => null,
    };
}
