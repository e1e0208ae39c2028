using System.Text.Json;
using LogLine.Api.Errors;
using LogLine.Api.Runs;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Gate.Checks;

/// <summary>Row 13: is all of it this tenant's, and does it agree with itself?</summary>
internal static class ConsistencyCheck
{
    public static async ValueTask<Rejection?> JudgeAsync(Judgement item, CancellationToken cancel) =>
        Subject(item) ?? Ref(item) ?? Unaltered(item) ?? item.Effect switch
        {
            "minicontainer.apply" => await ManifestOfAsync(item),
            "wallet.proof.submit" => Proof(item),
            "wallet.key.register" => await NewKeyAsync(item, "kid", "pub") ?? AdminKey(item),
            "wallet.key.rotate" => await NewKeyAsync(item, "new_kid", "new_pub"),
            "wallet.grant.create" => await GrantAsync(item, item.Payload.Member("grant"), "/payload/grant"),
            "wallet.grant.revoke" => AdminKeyOrSigner(item),
            "tenant.create" => await NewTenantAsync(item),
            "token.create" => NarrowerToken(item),
            "wallet.key.revoke" => AdminKey(item),
            "deploy.plan" or "deploy.apply" => await TargetAsync(item, cancel),
            "webhook.create" or "webhook.delete" or "webhook.rotate" or "webhook.replay" => WebhookActs.Consistency(item),
            not null when item.Definition!.Family is not null => Name(item) ?? await TargetAsync(item, cancel) ?? Primitive(item),
            "span.erase" => SpanErasure.Consistency(item),
            _ => null,
        };

    private static Rejection? Subject(Judgement item)
    {
        item.Definition!.MatchesSubject(item.Span.Subject!, out var tenant);
        return tenant.IsEmpty || tenant.SequenceEqual(item.Tenant) ? null : Foreign(item, "/subject", tenant.ToString());
    }

    private static Rejection? Ref(Judgement item)
    {
        if (!MiniContainerRef.TryParse(item.Payload.Text("ref"), out var reference))
        {
            return null;
        }
        item.Ref = reference;
        if (reference.Tenant != item.Tenant)
        {
            return Foreign(item, "/payload/ref", reference.Tenant);
        }
        return reference.IsOf(item.Span.Subject) ? null : Rejection.Inconsistent(
            "/payload/ref", $"names {reference.Subject}, but the span's subject is {item.Span.Subject}; both must be the same");
    }

    /// <summary>What reaches a container is what was sent, or is refused: in another normal form a text is other bytes, and names another file.</summary>
    private static Rejection? Unaltered(Judgement item)
    {
        var place = item.Effect == "minicontainer.apply" ? "/payload/manifest/deploy" : item.Definition!.Family is not null ? "/payload" : null;
        if (place is null)
        {
            return null;
        }
        if (item.Altered(place + "/") is { } path)
        {
            return Rejection.Inconsistent(path, "is not in Unicode's normal form C (NFC), in which everything is stored and signed: it would reach the container as other bytes than these. Send it in NFC, or bytes as stdin_b64 or in an artifact");
        }
        return !item.Submission.Body.IsAlteredElsewhere ? null : Rejection.Inconsistent(
            place, $"cannot be judged: more than {CanonicalJson.MostAltered:N0} texts of this request are not in Unicode's normal form C (NFC), and some of these may be among them. Send them in NFC, or this in a request of its own");
    }

    private static async ValueTask<Rejection?> ManifestOfAsync(Judgement item)
    {
        if (item.Manifest is not { } manifest)
        {
            return null;
        }
        if (manifest.OwnerTenant != item.Tenant)
        {
            return Foreign(item, "/payload/manifest/owner/tenant", manifest.OwnerTenant!);
        }
        var index = 0;
        foreach (var grant in manifest.Root.Items("grants"))
        {
            if (await GrantAsync(item, grant, $"/payload/manifest/grants/{index++}") is { } foreign)
            {
                return foreign;
            }
        }
        foreach (var (path, message) in manifest.Contradictions())
        {
            return Rejection.Inconsistent("/payload/manifest" + path, message);
        }
        return null;
    }

    private static Rejection? Proof(Judgement item)
    {
        var proof = item.Payload.Member("proof");
        if (proof.Text("tenant") != item.Tenant)
        {
            return Foreign(item, "/payload/proof/tenant", proof.Text("tenant")!);
        }
        var subject = proof.Text("subject")!;
        if (Identifiers.TryParseSubject(subject, out _, out var tenant, out _) && tenant != item.Tenant)
        {
            return Foreign(item, "/payload/proof/subject", tenant);
        }
        if (MiniContainerRef.TryParse(proof.Text("ref"), out var reference))
        {
            if (reference.Tenant != item.Tenant)
            {
                return Foreign(item, "/payload/proof/ref", reference.Tenant);
            }
            if (reference.Subject != subject)
            {
                return Rejection.Inconsistent("/payload/proof/ref", $"names {reference.Subject}, but the proof's subject is {subject}");
            }
        }
        return item.Span.Subject == subject || item.Span.Subject == Identifiers.WalletSubject(item.Tenant) ? null : Rejection.Inconsistent(
            "/subject", $"is {item.Span.Subject}; for this proof it must be {subject} or {Identifiers.WalletSubject(item.Tenant)}");
    }

    private static async ValueTask<Rejection?> GrantAsync(Judgement item, System.Text.Json.JsonElement grant, string path)
    {
        if (grant.Text("tenant") is { } tenant && tenant != item.Tenant)
        {
            return Foreign(item, path + "/tenant", tenant);
        }
        var known = item.Effect == "wallet.grant.create" ? await item.State.FindGrantAsync(item.Tenant, grant.Text("id")!) : null;
        return known is null || known.Grant == System.Text.Encoding.UTF8.GetString(CanonicalJson.BytesOf(grant)) ? null : Rejection.Inconsistent(
            path + "/id", $"'{known.GrantId}' is the id of another grant; give a new grant a new id");
    }

    /// <summary>A grant is revoked by whoever may sign for the tenant, or may change its keys.</summary>
    private static Rejection? AdminKeyOrSigner(Judgement item) => item.KeyUsage.Count > 0 ? null : AdminKey(item);

    private static async ValueTask<Rejection?> NewTenantAsync(Judgement item)
    {
        var tenant = item.Payload.Text("tenant")!;
        return await item.State.HasTenantAsync(tenant) ? Rejection.Inconsistent("/tenant", $"there is a tenant '{tenant}' already; choose another name") : null;
    }

    /// <summary>A token never allows more, nor longer, than the one that made it.</summary>
    private static Rejection? NarrowerToken(Judgement item)
    {
        var principal = item.Submission.Principal;
        if (item.Payload.Texts("scopes").FirstOrDefault(scope => !principal.Holds(scope)) is { } wider)
        {
            return new Rejection(RefusalCode.Forbidden, $"The scope '{wider}' is more than this token has ({string.Join(", ", principal.Scopes)}); a token can only be narrowed.")
            {
                Details = new Dictionary<string, object?> { ["scope"] = wider, ["reason"] = "scope" },
            };
        }
        Timestamps.TryParse(item.Payload.Text("expires_at"), out var expires);
        if (item.Payload.Text("expires_at") is not null && expires <= item.Now)
        {
            return Rejection.Inconsistent("/expires_at", $"{Timestamps.Write(expires)} is over; a token expires in the future");
        }
        return principal.ExpiresAt is { } own && (item.Payload.Text("expires_at") is null || expires > own)
            ? Rejection.Inconsistent("/expires_at", $"must be given and not after {Timestamps.Write(own)}, when the token that makes it expires")
            : null;
    }

    private static async ValueTask<Rejection?> NewKeyAsync(Judgement item, string kidField, string pubField)
    {
        var kid = item.Payload.Text(kidField)!;
        DomainSignature.TryDecodePublicKey(item.Payload.Text(pubField), out var publicKey);
        var known = await item.State.FindKeyAsync(item.Tenant, kid);
        if (known is not null && !known.PublicKey.AsSpan().SequenceEqual(publicKey))
        {
            return Rejection.Inconsistent("/payload/" + kidField, $"'{kid}' is bound to another key and always will be; choose another kid");
        }
        if (known is not null && kidField == "new_kid")
        {
            return Rejection.Inconsistent("/payload/new_kid", $"'{kid}' is registered already; a rotation brings a new key under a new kid");
        }
        if (known is { Status: not Ledger.KeyStatus.Active })
        {
            return Rejection.Inconsistent("/payload/" + kidField, $"'{kid}' is {known.Status.ToString().ToLowerInvariant()}; register a new key under a new kid");
        }
        if (kidField == "kid" && known is not null && !known.Usage.ToHashSet().SetEquals(item.Payload.Texts("usage")))
        {
            return Rejection.Inconsistent("/payload/usage", $"'{kid}' is registered for {string.Join(", ", known.Usage)}, which does not change; register a new key under a new kid");
        }
        return null;
    }

    /// <summary>Keys are changed by an active admin key, or by a token that may (contract, section 6).</summary>
    private static Rejection? AdminKey(Judgement item) =>
        item.KeyUsage.Contains("admin") || item.Submission.Principal.Has("wallet:keys") ? null : new Rejection(
            RefusalCode.Forbidden, "Keys are changed by a span that an active key of usage 'admin' signed, or with a token of scope 'wallet:keys'.")
        {
            Details = new Dictionary<string, object?> { ["required_permission"] = "wallet:keys", ["reason"] = "scope" },
        };

    private static Rejection? Name(Judgement item)
    {
        if (item.Payload.Text("name") is not { } name)
        {
            return null;
        }
        var expected = $"urn:{item.Definition!.Family}:{item.Tenant}/{name}";
        return item.Span.Subject == expected ? null : Rejection.Inconsistent("/payload/name", $"names {expected}, but the span's subject is {item.Span.Subject}");
    }

    private static Rejection? Primitive(Judgement item)
    {
        // A dry run is judged without providers.
        if (!item.IsDryRun && item.State.Targets.Find(item.Provider) is { } target && !target.CarriesOut(item.Effect!))
        {
            return Rejection.Inconsistent("/payload/target/provider", $"is '{EngineName.ProviderOf(target.Provider)}', which does not carry out {item.Effect}");
        }
        if (!item.IsDryRun && item.Payload.Text("artifact") is { } artifact && item.State.FindArtifact(item.Tenant, artifact) is null)
        {
            return Rejection.Inconsistent("/payload/artifact", $"'{artifact}' is no artifact of this tenant; upload it first (PUT /v1/artifacts/{{hash}}, 'logline artifacts put FILE')");
        }
        return PrimitiveArguments.Problem(item.Payload) is var (path, message) ? Rejection.Inconsistent(path, message) : null;
    }

    private static async ValueTask<Rejection?> TargetAsync(Judgement item, CancellationToken cancel)
    {
        var target = item.Target = item.Payload.Member("target");
        if (item.IsDryRun)
        {
            return null; // what this gateway has is no matter of the span's own form
        }
        var (provider, endpoint) = (target.Text("provider") ?? "", target.Text("endpoint") ?? EngineName.Default);
        if (provider == RunTargets.Auto && await item.State.Targets.ChooseAsync(endpoint, cancel) is { } choice)
        {
            item.Choice = choice;
            item.Target = ProviderChoice.At(target, choice.Provider);
        }
        if (item.State.Targets.Find(item.Provider) is not null)
        {
            return null;
        }
        return item.State.Targets.EndpointsOf(provider).ToList() is { Count: > 0 } endpoints
            ? Rejection.Inconsistent("/payload/target/endpoint", $"'{endpoint}' is not an engine of {provider} that the operator configured; there is: {string.Join(", ", endpoints)}")
            : Rejection.Inconsistent(
                "/payload/target/provider", $"is '{provider}', for which this gateway has no adapter; it has: {string.Join(", ", item.State.Targets.Providers)}, and '{RunTargets.Auto}' for the first of them that answers");
    }

    private static Rejection Foreign(Judgement item, string path, string tenant) => new(
        RefusalCode.Forbidden, $"{path} names the tenant '{tenant}', but the token is of '{item.Tenant}'.")
    {
        Details = new Dictionary<string, object?> { ["path"] = path, ["tenant"] = item.Tenant, ["reason"] = "foreign_tenant" },
    };
}
