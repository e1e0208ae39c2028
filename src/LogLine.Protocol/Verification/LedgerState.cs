using System.Buffers.Binary;
using System.Text;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Verification;

/// <summary>
/// What a log adds up to, entry by entry: which keys may sign, and what the rows beside the log have to be. It knows what a gateway does with each intent that changes
/// something; whatever else is recorded changes nothing here.
/// </summary>
internal sealed class LedgerState
{
    private const string Gateway = "gateway";
    private const int NameBytesOnStack = 512;

    private readonly LedgerTrust _trust;

    private readonly WalletState _wallet = new();
    private readonly TenantState _tenants = new();
    private readonly ProofState _proofs;
    private readonly RunHistory _runs = new();
    private readonly HashSet<UInt128> _names = [];
    private readonly Dictionary<UInt128, long> _gone = [];
    private readonly Dictionary<string, ExpectedTable> _tables;

    public LedgerState(LedgerTrust trust)
    {
        (_trust, _proofs) = (trust, new ProofState(Pruned));
        _tables = ((ExpectedTable[])[.. _wallet.Tables, .. _tenants.Tables, _proofs.Table, _runs.Table]).ToDictionary(table => table.Name);
    }

    /// <summary>Entries whose content is not there.</summary>
    public List<long> Erased { get; } = [];

    /// <summary>Entries that are not kept.</summary>
    public PrunedEntries Pruned { get; } = new();

    /// <summary>The minimum index, as the last span says that set it; 0 when none does.</summary>
    public long Minimum { get; private set; }

    /// <summary>Takes the next entry: finds the key of its span, then changes what it changes.</summary>
    /// <returns>Null, or why it cannot be there.</returns>
    public string? Apply(AuditedEntry entry)
    {
        var name = NameOf(entry.Tenant, entry.This);
        if (!_names.Add(name))
        {
            return $"there is an earlier entry of the name {entry.This}";
        }
        if (entry.IsPruned)
        {
            Pruned.Add(entry.Index);
            return _runs.ApplyPruned(entry);
        }
        var isOwn = entry.Entry.Principal == Gateway;
        if (entry.Span is not { } span)
        {
            Erased.Add(entry.Index);
            _gone.Add(name, entry.Index);
            return _runs.Apply(entry, null, isOwn);
        }
        if (Signer(entry, span, isOwn) is { } fault)
        {
            return fault;
        }
        if (isOwn)
        {
            _wallet.ApplyOwn(entry, span);
            Minimum = span.Intent == "ledger.pruned" ? Json.JsonElements.Integer(span.Payload, "minimum") ?? -1 : Minimum;
        }
        else if (!entry.IsReport)
        {
            _wallet.Apply(entry, span);
            _tenants.Apply(entry, span);
            _proofs.Apply(entry, span);
            Erase(entry, span);
        }
        return _runs.Apply(entry, span, isOwn || entry.IsReport);
    }

    /// <summary>Holds a row beside the log against it.</summary>
    public string? Hold(StoredRow row)
    {
        if (WalletState.Contradiction(row) is { } contradiction)
        {
            return contradiction;
        }
        if (!_tables.TryGetValue(row.Table.Name, out var table))
        {
            return null; // the log says nothing of nonces, keys of requests, and the like
        }
        var differs = table.Take(row, out var expected);
        if (expected is null && table == _proofs.Table && row["idx"] is long place && Pruned.Contains(place))
        {
            return _names.Contains(NameOf(row["tenant"] as string ?? "", row["this"] as string ?? "")) ? _proofs.HoldPruned(row) : "no span of the log made it";
        }
        if (expected is null)
        {
            return _tenants.Tables.Contains(table) ? _tenants.Unexplained(row) : "no span of the log made it";
        }
        return differs ?? (table == _proofs.Table ? _proofs.Hold(row) : null);
    }

    /// <summary>What the log demands and nothing showed.</summary>
    public AuditFinding? Finish()
    {
        if (_gone.Count > 0)
        {
            var index = _gone.Values.Min();
            return new AuditFinding(index, $"entry {index}", "its span is gone, and no span.erase says so (E3)");
        }
        _proofs.ForgetRepeated();
        foreach (var table in _tables.Values)
        {
            if (table.Missing() is { } missing)
            {
                return new AuditFinding(null, missing, "the log says that there is such a row; there is none");
            }
        }
        return _proofs.Unproved() is { } unproved ? new AuditFinding(unproved, $"entry {unproved}", "no proof let this deploy through") : null;
    }

    /// <summary>Whose signature the span has to carry.</summary>
    private string? Signer(AuditedEntry entry, AuditedSpan span, bool isOwn)
    {
        if (span.IsSigned && span.Kid != entry.Entry.Kid)
        {
            return $"the span is signed by '{span.Kid}', the entry says '{entry.Entry.Kid}'";
        }
        if (isOwn)
        {
            entry.Key = span.Kid is { } kid ? _trust.SpanKeyAt(kid, entry.Index) : null;
            return entry.Key is not null ? null : $"it is the gateway's own, but '{span.Kid}' is none of its keys at this place of the log";
        }
        if (entry.Entry.Kid is not { } signer)
        {
            return null;
        }
        if (span.IsSigned && _wallet.ActiveWorkerKey(signer) is { } worker)
        {
            (entry.Key, entry.Kind) = (worker, SignatureKind.Event);
            return null;
        }
        var key = _wallet.ActiveKey(entry.Entry.Tenant, signer);
        if (key is null)
        {
            return $"the key '{signer}' may not sign for {entry.Entry.Tenant} at this place of the log";
        }
        if (span.IsSigned)
        {
            entry.Key = key;
        }
        return null;
    }

    private void Erase(AuditedEntry entry, AuditedSpan span)
    {
        if (span.Intent == "span.erase" && Json.JsonElements.Text(span.Payload, "this") is { } erased)
        {
            _gone.Remove(NameOf(entry.Entry.Tenant, erased));
        }
    }

    // 128 bits instead of two texts: of all that is kept for a verification this alone grows with every entry.
    private static UInt128 NameOf(string tenant, string name)
    {
        var most = Encoding.UTF8.GetMaxByteCount(tenant.Length + 1 + name.Length);
        var text = most <= NameBytesOnStack ? stackalloc byte[NameBytesOnStack] : new byte[most];
        var length = Encoding.UTF8.GetBytes(tenant, text);
        text[length++] = (byte)'\n';
        length += Encoding.UTF8.GetBytes(name, text[length..]);
        Span<byte> hash = stackalloc byte[Blake3.HashSize];
        Blake3.Hash(text[..length], hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
