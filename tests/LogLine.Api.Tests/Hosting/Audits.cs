using LogLine.Api.Ledger;
using LogLine.Protocol.Verification;

namespace LogLine.Api.Tests.Hosting;

/// <summary>Whole verifications, as <c>logline ledger verify</c> does them.</summary>
internal static class Audits
{
    /// <summary>Verifies what a running gateway holds, whatever its store.</summary>
    public static async Task<AuditReport> VerifyAsync(this TestGateway gateway)
    {
        var audit = new LedgerAudit(gateway.Ledger.Trust);
        await foreach (var row in gateway.Ledger.Store.RowsAsync(0, TestContext.Current.CancellationToken))
        {
            if (audit.Add(row) is not null)
            {
                break;
            }
        }
        return audit.Finish();
    }

    /// <summary>Verifies what a running gateway holds; it must be whole.</summary>
    public static async Task<AuditReport> AssertWholeAsync(this TestGateway gateway)
    {
        var report = await gateway.VerifyAsync();
        Assert.True(report.Finding is null, report.Finding?.ToString());
        return report;
    }

    /// <summary>Verifies a data folder, and the file itself.</summary>
    /// <returns>What is wrong, or null.</returns>
    public static string? Fault(string folder)
    {
        try
        {
            using var ledger = StoredLedger.Open(folder);
            return Verify(ledger.Trust, ledger.Read()).Finding?.ToString() ?? ledger.Damage();
        }
        catch (Exception unreadable) when (unreadable is DataFolderException or LedgerStoreException)
        {
            return unreadable.Message;
        }
    }

    /// <summary>Verifies rows.</summary>
    public static AuditReport Verify(LedgerTrust trust, IEnumerable<StoredRow> rows, int threads = 0)
    {
        var audit = new LedgerAudit(trust, threads);
        foreach (var row in rows)
        {
            if (audit.Add(row) is not null)
            {
                break;
            }
        }
        return audit.Finish();
    }
}
