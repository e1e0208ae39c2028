using System.Text;
using System.Text.Json;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Verification;

/// <summary>
/// What a log says of proofs (contract, section 6): which there are, which a deny cancelled, and that each deploy was let through by one that names it and that let through nothing else.
/// </summary>
/// <param name="pruned">Entries that are not kept.</param>
internal sealed class ProofState(PrunedEntries pruned)
{
    private readonly ExpectedTable _proofs = new(
        "proofs", 1, "idx", "tenant", "this", "intent", "allow", "subject", "hash", "env", "ref", "target", "plan_digest", "exp");

    private readonly Dictionary<string, List<long>> _bySubject = [];
    private readonly Dictionary<long, long> _cancelledAt = [];
    private readonly HashSet<string> _hashes = [];
    private readonly Dictionary<long, Use> _open = [];
    private readonly HashSet<long> _denies = [];
    private readonly HashSet<string> _prunedHashes = [];

    public ExpectedTable Table => _proofs;

    /// <summary>Changes what a span changes.</summary>
    public void Apply(AuditedEntry entry, AuditedSpan span)
    {
        switch (span.Intent)
        {
            case "wallet.proof.submit":
                Submit(entry, span.Payload.Member("proof"));
                break;
            case "deploy.apply" or "deploy.rollback":
                _open.Add(entry.Index, new Use(entry.Entry.Tenant, span.Subject!, entry.Entry.Env, span.Payload.Text("ref"), TargetOf(span.Payload), entry.Entry.ReceivedAt));
                break;
        }
    }

    /// <summary>Holds what a stored proof says of its use against the log; the row itself was held against <see cref="Table"/>.</summary>
    public string? Hold(StoredRow row)
    {
        var (index, used, cancelled) = (row["idx"] as long? ?? -1, row["used_idx"] as long?, row["cancelled_idx"] as long?);
        long? cancelledAt = _cancelledAt.TryGetValue(index, out var at) ? at : null;
        if (used is null)
        {
            return cancelled == cancelledAt ? null : $"the log says that it was cancelled {(cancelledAt is null ? "by nothing" : $"by entry {cancelledAt}")}";
        }
        return used <= index || cancelled is not null || used > cancelledAt || row["allow"] is not 1L
            ? $"it let entry {used} through, though it was not there yet, was cancelled, or is a deny"
            : HoldUse(row, used.Value);
    }

    /// <summary>Holds a stored proof whose own entry is not kept against what is kept: the deploy that it let through, the deny that cancelled it.</summary>
    public string? HoldPruned(StoredRow row)
    {
        _prunedHashes.Add($"{row["tenant"]}{row["hash"]}");
        var (index, used, cancelled) = (row["idx"] as long? ?? -1, row["used_idx"] as long?, row["cancelled_idx"] as long?);
        return (cancelled is { } deny && (deny <= index || !(pruned.Contains(deny) || _denies.Contains(deny)))) || (used is not null && cancelled is not null)
            ? $"entry {cancelled} did not cancel it"
            : used <= index || (used is not null && row["allow"] is not 1L) ? $"it let entry {used} through, though it was not there yet, or is a deny"
            : used is null ? null : HoldUse(row, used.Value);
    }

    /// <summary>A proof that came again after its first entry was pruned added nothing: no row of it is missing.</summary>
    public void ForgetRepeated() => _proofs.Forget(proof => _prunedHashes.Contains((string)proof[1]! + (string)proof[6]!));

    private string? HoldUse(StoredRow row, long used)
    {
        if (row["intent"] as string != "deploy.allow" || pruned.Contains(used))
        {
            return null;
        }
        if (!_open.Remove(used, out var use))
        {
            return $"it let entry {used} through, which is no deploy, or which another proof let through as well";
        }
        return use.IsNamedBy(row) ? null : $"it does not name what entry {used} deployed";
    }

    /// <summary>The first deploy that no proof let through, or null.</summary>
    public long? Unproved() => _open.Count == 0 ? null : _open.Keys.Min();

    private void Submit(AuditedEntry entry, JsonElement proof)
    {
        var tenant = entry.Entry.Tenant;
        var hash = ContentHash.Of(CanonicalJson.BytesOf(proof));
        var (intent, subject, allow) = (proof.Text("intent")!, proof.Text("subject")!, proof.Text("result") == "allow");
        var about = $"{tenant}\n{intent}\n{subject}";
        if (!allow)
        {
            _denies.Add(entry.Index);
            Cancel(about, proof, entry.Index);
        }
        if (!_hashes.Add(tenant + hash))
        {
            return; // the same proof again adds nothing
        }
        _proofs.TryAdd(
            entry.Index, tenant, entry.Entry.This, intent, allow ? 1L : 0L, subject, hash, proof.Text("env"), proof.Text("ref"), TargetOf(proof), proof.Text("plan_digest"),
            Timestamps.TryParse(proof.Text("exp"), out var expires) ? expires.ToUnixTimeMilliseconds() : 0);
        if (allow)
        {
            (_bySubject.TryGetValue(about, out var proofs) ? proofs : _bySubject[about] = []).Add(entry.Index);
        }
    }

    private void Cancel(string about, JsonElement deny, long index)
    {
        foreach (var allowed in _bySubject.GetValueOrDefault(about) ?? [])
        {
            var row = _proofs.Find(allowed)!;
            if (Overlaps(row[7], deny.Text("env")) && Overlaps(row[8], deny.Text("ref")) && Overlaps(row[9], TargetOf(deny)) && Overlaps(row[10], deny.Text("plan_digest")))
            {
                _cancelledAt.TryAdd(allowed, index);
            }
        }
    }

    private static bool Overlaps(object? allowed, string? denied) => allowed is null || denied is null || allowed.Equals(denied);

    private static string? TargetOf(JsonElement holder) =>
        holder.Member("target") is { ValueKind: JsonValueKind.Object } target ? Encoding.UTF8.GetString(CanonicalJson.BytesOf(target)) : null;

    private sealed record Use(string Tenant, string Subject, string Env, string? Ref, string? Target, string ReceivedAt)
    {
        public bool IsNamedBy(StoredRow proof) =>
            proof["tenant"] as string == Tenant && proof["subject"] as string == Subject
            && (proof["env"] is null || proof["env"] as string == Env)
            && (proof["ref"] is null || Ref is null || proof["ref"] as string == Ref)
            && (proof["target"] is null || Target is null || proof["target"] as string == Target)
            && Timestamps.TryParse(ReceivedAt, out var at) && proof["exp"] is long expires && at.ToUnixTimeMilliseconds() < expires;
    }
}
