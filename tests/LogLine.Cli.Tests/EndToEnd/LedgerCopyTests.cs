using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.EndToEnd;

/// <summary>A whole ledger is verified, exported, brought back, backed up and restored while its gateway runs.</summary>
public sealed class LedgerCopyTests(GatewayProcess gateway)
{
    private string Data => Path.GetDirectoryName(gateway.BootstrapFile)!;

    [Fact]
    public async Task RunningGateway_IsVerified_FromItsFolder_AndOverTheNetwork()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var folder = (await member.RunAsync("ledger", "verify", "--data", Data, "--json")).Expect(0).Json;
        var network = (await member.RunAsync("ledger", "verify", "--json")).Expect(0).Json;
        Assert.True(folder.Flag("valid"));
        Assert.Equal(folder.Text("origin"), network.Text("origin"));
        Assert.True(network.Integer("entries") >= folder.Integer("entries") && folder.Integer("entries") >= 2);
        var spoken = (await member.RunAsync("ledger", "verify")).Expect(0);
        Assert.StartsWith("whole ", spoken.Output, StringComparison.Ordinal);
        Assert.Empty(spoken.Errors);
        member.Terminal.IsTerminal = true;
        Assert.Contains("[..............................] 0 %", (await member.RunAsync("ledger", "verify")).Expect(0).Errors);
    }

    [Fact]
    public async Task DamagedBackup_IsToldWithTheFirstBadIndex()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var backup = member.Terminal.At("backup");
        (await member.RunAsync("ledger", "backup", backup, "--data", Data)).Expect(0);
        var file = Path.Combine(backup, "ledger.backup");
        var bytes = File.ReadAllBytes(file);
        long index;
        using (var ledger = LogLine.Api.Ledger.StoredLedger.Open(backup))
        {
            // Which spans are there, other tests decide: one behind the first that stands in one piece in the file.
            var entry = ledger.Read().First(row => row.Table.Name == "entries" && row["idx"] is > 0L && bytes.AsSpan().LastIndexOf((byte[])row["span"]!) >= 0);
            var span = (byte[])entry["span"]!;
            index = (long)entry["idx"]!;
            bytes[bytes.AsSpan().LastIndexOf(span) + (span.Length / 2)] ^= 1;
        }
        File.WriteAllBytes(file, bytes);

        var said = (await member.RunAsync("ledger", "verify", "--data", backup, "--json")).Expect(1).Json;
        Assert.Equal((index, $"entry {index}"), (said.GetProperty("finding").Integer("index"), said.GetProperty("finding").Text("where")));
        (await member.RunAsync("ledger", "export", member.Terminal.At("x.ndjson"), "--data", backup)).Expect(1);
        Assert.False(File.Exists(member.Terminal.At("x.ndjson")));
    }

    [Fact]
    public async Task AnotherLogsKey_IsDamage()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var said = (await member.RunAsync("ledger", "verify", "--key", new string('1', 63) + "2")).Expect(1);
        Assert.Contains("no valid signature of the key that you trust", said.Errors);
    }

    [Fact]
    public async Task Export_ComesBack_WithTheSameRoot_UnderANewName()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var (file, data) = (member.Terminal.At("ledger.ndjson"), member.Terminal.At("imported"));
        var exported = (await member.RunAsync("ledger", "export", file, "--json")).Expect(0).Json;
        Assert.Equal(exported.Text("root_hash"), (await member.RunAsync("ledger", "verify", file, "--json")).Expect(0).Json.Text("root_hash"));
        Assert.DoesNotContain("[defect]", (await member.RunAsync("ledger", "export", member.Terminal.At("nowhere/x"))).Expect(1).Errors);

        var imported = (await member.RunAsync("ledger", "import", file, "--data", data, "--json")).Expect(0).Json;

        Assert.True(imported.Flag("renamed"));
        Assert.Equal(exported.Text("root_hash"), imported.Text("root_hash"));
        var verified = (await member.RunAsync("ledger", "verify", "--data", data, "--json")).Expect(0).Json;
        Assert.Equal((exported.Text("root_hash"), imported.Text("origin")), (verified.Text("root_hash"), verified.Text("origin")));
        Assert.Contains("Move it away first", (await member.RunAsync("ledger", "import", file, "--data", data)).Expect(1).Errors);
        Assert.Contains("names no database", (await member.RunAsync("ledger", "import", file, "--data", data, "--postgres")).Expect(2).Errors);
        member.Terminal["ConnectionStrings__Ledger"] = "Host=127.0.0.1;Port=9;Timeout=1;Database=none;Username=nobody";
        Assert.Contains("cannot be made", (await member.RunAsync("ledger", "import", file, "--data", data, "--postgres")).Expect(1).Errors);
    }

    [Fact]
    public async Task ExportThatWasChanged_IsNotImported()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var (file, data) = (member.Terminal.At("ledger.ndjson"), member.Terminal.At("imported"));
        (await member.RunAsync("ledger", "export", file)).Expect(0);
        File.WriteAllText(file, File.ReadAllText(file).Replace("usr_1", "usr_2", StringComparison.Ordinal));
        Assert.Contains("DAMAGED", (await member.RunAsync("ledger", "import", file, "--data", data)).Expect(1).Output);
        Assert.False(File.Exists(Path.Combine(data, "ledger.db")));
    }

    [Fact]
    public async Task Backup_IsWhole_AndRestored_TakesANewName_UnlessNothingIsLost()
    {
        using var member = await Member.JoinAsync(gateway);
        await member.ApplyAsync(member.Manifest());
        var (backup, lost, kept) = (member.Terminal.At("backup"), member.Terminal.At("lost"), member.Terminal.At("kept"));
        var entries = (await member.RunAsync("ledger", "backup", backup, "--data", Data, "--json")).Expect(0).Json.Integer("entries");
        (await member.RunAsync("ledger", "verify", "--data", backup)).Expect(0);

        // Nobody says what has been published: the restored log must not go on under the old name.
        Assert.True((await member.RunAsync("ledger", "restore", backup, "--data", lost, "--json")).Expect(0).Json.Flag("renamed"));
        Assert.Equal(entries, (await member.RunAsync("ledger", "verify", "--data", lost, "--json")).Expect(0).Json.Integer("entries"));

        // A checkpoint that the backup leads to: nothing that anybody has seen is lost.
        var published = member.Terminal.Write("published", CheckpointOf(backup));
        Assert.False((await member.RunAsync("ledger", "restore", backup, "--data", kept, "--published", published, "--json")).Expect(0).Json.Flag("renamed"));
        (await member.RunAsync("ledger", "verify", "--data", kept)).Expect(0);
        Assert.Contains("Move it away first", (await member.RunAsync("ledger", "restore", backup, "--data", kept)).Expect(1).Errors);
    }

    private static string CheckpointOf(string backup)
    {
        using var ledger = LogLine.Api.Ledger.StoredLedger.Open(backup);
        return (string)ledger.Read().Last(row => row.Table.Name == "checkpoints")["note"]!;
    }
}
