using LogLine.Cli.Output;
using LogLine.Protocol.Verification;

namespace LogLine.Cli.Commands.Ledger;

/// <summary>What is said of a data folder that was made of another ledger: above all, what the log is called now.</summary>
internal static class Copied
{
    public static int Show(Call call, string data, LedgerTrust now, LedgerTrust before, AuditReport? report)
    {
        var isSame = now.Origin == before.Origin;
        var key = now.LogKey!;
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("data", data);
                json.WriteString("origin", now.Origin);
                json.WriteString("public_key", Convert.ToHexStringLower(key.PublicKey));
                json.WriteBoolean("renamed", !isSame);
                if (!isSame)
                {
                    json.WriteString("former_origin", before.Origin);
                    json.WriteNumber("from", key.From);
                }
                if (report is not null)
                {
                    json.WriteNumber("entries", report.Entries);
                    json.WriteString("root_hash", "sha256:" + Convert.ToHexStringLower(report.Root));
                }
                json.WriteEndObject();
            },
            line =>
            {
                line(report is null ? $"{data} is ready." : $"{data} is ready: {report.Entries:N0} entries, all of it verified.", Tone.Good);
                line(isSame
                    ? $"  the log goes on as {now.Origin}"
                    : $"  the log goes on under a new name for checkpoints of more than {key.From} entries: {now.Origin}, key {Convert.ToHexStringLower(key.PublicKey)}; what {before.Origin} signed before keeps verifying under the old key", Tone.Plain);
            });
    }
}
