using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Ledger.Sqlite;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;
using Microsoft.AspNetCore.Builder;

namespace LogLine.Api.Tests.Ledger;

/// <summary>Opening a ledger verifies it: what is whole goes on, what is not is refused with the reason (architecture, rule 4).</summary>
public sealed class RecoveryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-").FullName;

    [Fact]
    public async Task Restart_KeepsEverything_AndReceiptsOfBeforeStillVerify()
    {
        var before = await (await TestGateway.StartAsync([new FakeAdapter()], folder: _folder)).RegisterKeyAsync();
        var reference = await before.ApplyAsync("web");
        await before.ProveAsync("web");
        var acks = new List<Answer>();
        for (var i = 0; i < 300; i++)
        {
            acks.Add(await before.PostAsync(GatewayActs.Person("p" + i)));
        }
        var size = before.Ledger.Size;
        var (origin, logKey) = (before.Ledger.Origin, before.Ledger.Identity.LogPublicKey);
        await before.StopAsync();

        await using var gateway = await TestGateway.StartAsync([new FakeAdapter()], folder: _folder);

        Assert.Equal((size, origin, logKey), (gateway.Ledger.Size, gateway.Ledger.Origin, gateway.Ledger.Identity.LogPublicKey));
        foreach (var ack in acks)
        {
            Assert.Null(Receipt.TryRead(ack.Json, out var receipt));
            var span = await gateway.GetAsync("/v1/spans/" + ack.Json.Text("this"));
            Assert.Null(receipt.Verify(Convert.FromHexString(logKey), CanonicalJson.Parse(span.Body).Utf8.Span, origin));
            Assert.Equal(ack.Json.GetProperty("receipt").GetRawText(), (await gateway.GetAsync($"/v1/spans/{ack.Json.Text("this")}/receipt")).Body);
        }
        Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(TestGateway.Deploy(reference))).Status);
        Assert.Equal(size, (await gateway.Ledger.Store.FindSpanAsync("dev", Assert.Single(await gateway.Ledger.Store.RunsAsync("dev", null, 10)).Span))!.Index);
    }

    [Fact]
    public async Task RestartAtEverySize_GoesOn()
    {
        for (var i = 0; i < 12; i++)
        {
            var gateway = await TestGateway.StartAsync(folder: _folder);
            Assert.Equal(i, gateway.Ledger.Size);
            var ack = await gateway.PostAsync(GatewayActs.Person("p" + i));
            Assert.Null(Receipt.TryRead(ack.Json, out var receipt));
            Assert.Null(receipt.Verify(Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey)));
            await gateway.StopAsync();
        }
    }

    public static TheoryData<string, string> Damages => new()
    {
        { "UPDATE entries SET entry = CAST(replace(CAST(entry AS TEXT), '\"env\":\"dev\"', '\"env\":\"prd\"') AS BLOB) WHERE idx = 2", "signed root" },
        { "UPDATE entries SET entry = CAST(replace(CAST(entry AS TEXT), '{\"env\"', '{ \"env\"') AS BLOB) WHERE idx = 2", "entry 2 is not a canonical" },
        { "UPDATE entries SET span = CAST(replace(CAST(span AS TEXT), 'Joana', 'Koana') AS BLOB) WHERE idx = 1", "span of entry 1 is not the one" },
        { "DELETE FROM entries WHERE idx = 4", "the head says 5 entries" },
        { "INSERT INTO entries SELECT 5, entry, span, tenant, this || 'x', intent, subject, run_id, fingerprint, answer FROM entries WHERE idx = 4", "the head says 5 entries" },
        { "DELETE FROM checkpoints WHERE tree_size = 5", "the checkpoint of size 5 is missing" },
        { "UPDATE checkpoints SET note = replace(note, char(10) || '5' || char(10), char(10) || '6' || char(10)) WHERE tree_size = 5", "log key" },
        { "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE tree_size = 4) WHERE tree_size = 5", "signed root of size 5" },
        { "UPDATE head SET size = 6", "the head says 6 entries" },
        { "UPDATE head SET frontier = x'00'", "frontier" },
        { "UPDATE head SET frontier = substr(frontier, 1, 32) || zeroblob(length(frontier) - 32)", "signed root" },
        { "UPDATE head SET origin = 'log.example/other'", "origin" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task Damage_IsRefusedAtStart_WithTheReason_AndChangesNothing(string sql, string reason)
    {
        await FillAsync(5);
        Change(sql);

        Assert.Contains(reason, await RefusalAsync());
        Assert.Contains(reason, await RefusalAsync());
    }

    [Fact]
    public async Task OlderDatabase_IsRefused_SoThatNoLogForks()
    {
        await FillAsync(2);
        var older = await File.ReadAllBytesAsync(Path.Combine(_folder, "ledger.db"), TestContext.Current.CancellationToken);
        await FillAsync(2);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "ledger.db"), older, TestContext.Current.CancellationToken);

        Assert.Contains("it is older than the log", await RefusalAsync());
    }

    [Fact]
    public async Task AnotherHistoryUnderTheSameKeys_IsRefused()
    {
        await FillAsync(2);
        var older = await File.ReadAllBytesAsync(Path.Combine(_folder, "ledger.db"), TestContext.Current.CancellationToken);
        await FillAsync(1);
        var published = await File.ReadAllTextAsync(Path.Combine(_folder, "published"), TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "ledger.db"), older, TestContext.Current.CancellationToken);
        File.Delete(Path.Combine(_folder, "published"));
        await FillAsync(3);
        await File.WriteAllTextAsync(Path.Combine(_folder, "published"), published, TestContext.Current.CancellationToken);

        Assert.Contains("it is a fork of the log", await RefusalAsync());
    }

    /// <summary>After a power failure the last checkpoint that is known is older than the log: what came after it is verified, however much it is.</summary>
    [Theory]
    [InlineData("UPDATE entries SET span = CAST(replace(CAST(span AS TEXT), 'Joana', 'Koana') AS BLOB) WHERE idx = 100", "span of entry 100 is not the one")]
    [InlineData("UPDATE entries SET entry = CAST(replace(CAST(entry AS TEXT), '\"env\":\"dev\"', '\"env\":\"prd\"') AS BLOB) WHERE idx = 100", "entry 100 is not the one that the tree holds")]
    [InlineData("DELETE FROM entries WHERE idx = 100", "entry 100 is not the one that the tree holds")]
    public async Task WhatCameAfterTheLastKnownCheckpoint_IsVerifiedAtStart(string sql, string reason)
    {
        await FillAsync(2);
        var published = await File.ReadAllTextAsync(Path.Combine(_folder, "published"), TestContext.Current.CancellationToken);
        await using (var gateway = await TestGateway.StartAsync(folder: _folder))
        {
            for (var i = 0; i < 6; i++)
            {
                await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 100).Select(j => GatewayActs.Person($"p{i}-{j}"))) + "]");
            }
        }
        await File.WriteAllTextAsync(Path.Combine(_folder, "published"), published, TestContext.Current.CancellationToken);
        await (await TestGateway.StartAsync(folder: _folder)).StopAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "published"), published, TestContext.Current.CancellationToken);
        Change(sql);

        Assert.Contains(reason, await RefusalAsync());
    }

    [Fact]
    public async Task FormatOfANewerVersion_IsRefused()
    {
        await FillAsync(1);
        Change("PRAGMA user_version = 99");

        Assert.Contains("format 99", await RefusalAsync());
    }

    [Fact]
    public async Task FileThatIsNoDatabase_IsRefused()
    {
        await FillAsync(1);
        File.Delete(Path.Combine(_folder, "ledger.db-wal"));
        File.Delete(Path.Combine(_folder, "ledger.db-shm"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "ledger.db"), new string('x', 10_000), TestContext.Current.CancellationToken);

        Assert.Contains("cannot be opened", await RefusalAsync());
    }

    [Fact]
    public async Task SecondGatewayOnAFolder_IsRefused_AndTheFirstGoesOn()
    {
        await using var first = await TestGateway.StartAsync();

        var refusal = await Assert.ThrowsAsync<DataFolderException>(() => TryStartAsync(first.Folder));

        Assert.Contains("another gateway", refusal.Message);
        Assert.Equal(HttpStatusCode.OK, (await first.PostAsync(GatewayActs.Person())).Status);
    }

    [Theory]
    [InlineData("log.key", "log.key is missing")]
    [InlineData("span.key", "span.key is missing")]
    public async Task MissingKey_IsRefused_NotReplaced(string file, string reason)
    {
        await FillAsync(1);
        File.Delete(Path.Combine(_folder, "keys", file));

        Assert.Contains(reason, await RefusalAsync());
        Assert.False(File.Exists(Path.Combine(_folder, "keys", file)));
    }

    [Fact]
    public async Task DamagedKey_IsRefused()
    {
        await FillAsync(1);
        await File.WriteAllTextAsync(Path.Combine(_folder, "keys", "log.key"), "abc", TestContext.Current.CancellationToken);

        Assert.Contains("log.key is damaged", await RefusalAsync());
    }

    [Fact]
    public async Task AnotherLogsKey_IsRefused()
    {
        await FillAsync(1);
        await File.WriteAllTextAsync(Path.Combine(_folder, "keys", "log.key"), new string('a', 64), TestContext.Current.CancellationToken);

        Assert.Contains("does not carry this folder's log key", await RefusalAsync());
    }

    [Fact]
    public async Task MissingDatabase_UnderKeysThatHaveSigned_IsRefused_SoThatNoLogForks()
    {
        await FillAsync(1);
        foreach (var file in Directory.GetFiles(_folder, "ledger.db*"))
        {
            File.Delete(file);
        }

        Assert.Contains("ledger.db is missing", await RefusalAsync());
    }

    [Fact]
    public async Task SecretsOfTheFolder_AreTheirOwnersAlone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no file modes.");
            return;
        }
        await FillAsync(1);
        foreach (var file in new[] { "bootstrap.json", Path.Combine("keys", "log.key"), Path.Combine("keys", "span.key") })
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, file)));
        }
    }

    private async Task FillAsync(int count)
    {
        var gateway = await TestGateway.StartAsync(folder: _folder);
        for (var i = 0; i < count; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person("p" + i))).Status);
        }
        await gateway.StopAsync();
    }

    private void Change(string sql)
    {
        using var session = new SqliteSession(Path.Combine(_folder, "ledger.db"), readOnly: false);
        session.Script(sql);
    }

    private async Task<string> RefusalAsync() => (await Assert.ThrowsAsync<DataFolderException>(() => TryStartAsync(_folder))).Message;

    private static async Task TryStartAsync(string folder)
    {
        await using var app = global::GatewayProgram.Build(["--data", folder, "--urls", "http://127.0.0.1:0", "--Serilog:MinimumLevel:Default=Error"]);
        await app.PrepareAsync();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
