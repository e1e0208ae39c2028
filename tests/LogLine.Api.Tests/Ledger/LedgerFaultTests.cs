using System.Diagnostics;
using System.Net;
using LogLine.Api.Ledger;
using LogLine.Api.Tests.Hosting;
using LogLine.Api.Tests.Ledger.Stores;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Ledger;

/// <summary>Damaged files, full and read-only disks, a thousand retries at once, clocks that jump: a clear refusal or one answer, and the ledger is whole at the end.</summary>
public sealed class LedgerFaultTests(PostgresCluster cluster) : IDisposable
{
    private const int Retries = 1000;

    private readonly string _folder = Directory.CreateTempSubdirectory("logline-faults-").FullName;

    private string Database => Path.Combine(_folder, "ledger.db");

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.001)]
    [InlineData(0.3)]
    [InlineData(0.7)]
    [InlineData(0.999)]
    public async Task TruncatedDatabase_IsRefusedAtStart(double kept)
    {
        await FillAsync(_folder, 40);
        await using (var file = new FileStream(Database, FileMode.Open, FileAccess.ReadWrite))
        {
            file.SetLength((long)(file.Length * kept));
        }

        Assert.NotEmpty((await Assert.ThrowsAsync<DataFolderException>(() => StartAsync(_folder))).Message);
    }

    [Fact]
    public async Task FlippedBits_AreRefusedAtStart_OrFoundByTheVerification_OrChangeNothing()
    {
        await FillAsync(_folder, 300);
        var whole = await File.ReadAllBytesAsync(Database, TestContext.Current.CancellationToken);
        var random = new Random(20261121);
        var (refused, found) = (0, 0);
        for (var i = 0; i < 60; i++)
        {
            var damaged = (byte[])whole.Clone();
            for (var flips = 0; flips < 8; flips++)
            {
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            }
            await File.WriteAllBytesAsync(Database, damaged, TestContext.Current.CancellationToken);
            try
            {
                await StartAsync(_folder);
                found += Audits.Fault(_folder) is null ? 0 : 1;
            }
            catch (DataFolderException)
            {
                refused++; // any other exception fails the test
            }
            File.Delete(Database + "-wal");
            File.Delete(Database + "-shm");
        }
        Assert.True(refused > 5 && refused + found > 20, $"{refused} refused, {found} found");
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task ThousandRetriesAtOnce_AreOneEntry_AndOneAck(string store)
    {
        await using var shared = store == "postgres" ? new SharedLedger(await cluster.CreateDatabaseAsync()) : null;
        await using var gateway = shared is null ? await TestGateway.StartAsync(folder: _folder) : await shared.StartAsync();
        var before = gateway.Ledger.Size;
        var at = LogLine.Protocol.Spans.Timestamps.Write(gateway.Time.GetUtcNow());

        // A gateway keeps nobody waiting for ever: on a slow machine it may say that it is busy, and be asked again.
        var answers = await Task.WhenAll(Enumerable.Range(0, Retries).Select(_ => Patience.WhileBusyAsync(() => gateway.PostAsync(GatewayActs.Person("again"), request =>
        {
            request.Set("Idempotency-Key", "one-of-a-thousand");
            request.Set("X-Nonce", "the-same-nonce-each-time");
            request.Set("X-Timestamp", at);
        }))));

        Assert.All(answers, answer => Assert.True(answer.Status == HttpStatusCode.OK, answer.Body));
        Assert.Single(answers.Select(answer => answer.Body.Replace("\"replayed\":true", "\"replayed\":false", StringComparison.Ordinal)).Distinct());
        Assert.Single(answers, answer => answer.Json.Flag("replayed") == false);
        Assert.Equal(before + 1, gateway.Ledger.Size);
        await gateway.AssertWholeAsync();
    }

    [Fact]
    public async Task ClockThatJumps_ForwardAndBack_LosesNothing_AndForgetsNoNonce()
    {
        var time = new ManualTime();
        await using var gateway = await TestGateway.StartAsync(time: time, folder: _folder);
        foreach (var (hours, nonce) in new[] { (0, "nonce-at-the-beginning"), (5, "nonce-in-the-future-1"), (-9, "nonce-in-the-past-12345"), (4, "nonce-back-where-it-was") })
        {
            time.Advance(TimeSpan.FromHours(hours));
            Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(GatewayActs.Person("p" + hours), request => request.Set("X-Nonce", nonce))).Status);
            Assert.Equal("409_NONCE_REUSED", (await gateway.PostAsync(GatewayActs.Person("q" + hours), request => request.Set("X-Nonce", nonce))).Code);
        }
        Assert.Equal("409_NONCE_REUSED", (await gateway.PostAsync(GatewayActs.Person("again"), request => request.Set("X-Nonce", "nonce-at-the-beginning"))).Code);
        await gateway.AssertWholeAsync();
    }

    [Fact]
    public async Task FullDisk_IsBusy_AndTheSameRequestSucceedsWhenThereIsRoomAgain()
    {
        var data = Path.Combine(SmallDisk(), "full");
        var ballast = Path.Combine(SmallDisk(), "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[1 << 20], TestContext.Current.CancellationToken);
        try
        {
            var acked = new List<string>();
            Answer refused;
            await using (var gateway = await TestGateway.StartAsync(folder: data))
            {
                while (true)
                {
                    var answer = await gateway.PostAsync(Large(acked.Count), request => request.Set("Idempotency-Key", "large-" + acked.Count));
                    if (answer.Status != HttpStatusCode.OK)
                    {
                        refused = answer;
                        break;
                    }
                    acked.Add(answer.Json.Text("this")!);
                    Assert.True(acked.Count < 1000, "the disk is never full");
                }
                Assert.Equal("503_BUSY", refused.Code);
                Assert.NotNull(refused.Headers.RetryAfter);
                File.Delete(ballast);

                Assert.Equal(HttpStatusCode.OK, (await gateway.PostAsync(Large(acked.Count), request => request.Set("Idempotency-Key", "large-" + acked.Count))).Status);
                foreach (var name in acked)
                {
                    Assert.Equal(HttpStatusCode.OK, (await gateway.GetAsync("/v1/spans/" + name)).Status);
                }
                await gateway.AssertWholeAsync();
            }
            Assert.Null(Audits.Fault(data));
        }
        finally
        {
            File.Delete(ballast);
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task ReadOnlyDisk_IsRefusedAtStart_WithTheReason()
    {
        var disk = SmallDisk("LOGLINE_TEST_READONLY_DISK");
        var data = Path.Combine(disk, "fixed");
        await FillAsync(data, 2);
        await MountAsync(disk, "ro");
        try
        {
            Assert.Contains("fixed", (await Assert.ThrowsAsync<DataFolderException>(() => StartAsync(data))).Message);
        }
        finally
        {
            await MountAsync(disk, "rw");
        }
        await StartAsync(data);
        Assert.Null(Audits.Fault(data));
        Directory.Delete(data, recursive: true);
    }

    private static string SmallDisk(string variable = "LOGLINE_TEST_LEDGER_DISK")
    {
        var disk = Environment.GetEnvironmentVariable(variable);
        if (disk is null)
        {
            Assert.Skip($"{variable} names no disk of some MiB; tests/run mounts one as root.");
        }
        return disk;
    }

    private static async Task MountAsync(string disk, string mode)
    {
        using var mount = Process.Start("mount", ["-o", "remount," + mode, disk]);
        await mount.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, mount.ExitCode);
    }

    // The names make each a span of its own; the input makes it large.
    private static string Large(int number) => TestGateway.Json(new
    {
        intent = "registry.person.create", subject = "urn:registry:person/large" + number, input = new { note = new string('x', 100_000) },
        payload = new { name = "Joana", email = "j@example.com", country = "PT", consent = true },
    });

    private static async Task FillAsync(string folder, int count)
    {
        var gateway = await TestGateway.StartAsync(folder: folder);
        for (var sent = 0; sent < count; sent += 100)
        {
            var answer = await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(sent, Math.Min(100, count - sent)).Select(i => GatewayActs.Person("p" + i))) + "]");
            Assert.Equal(HttpStatusCode.OK, answer.Status);
        }
        await gateway.StopAsync();
    }

    private static async Task StartAsync(string folder)
    {
        await using var app = global::GatewayProgram.Build(["--data", folder, "--urls", "http://127.0.0.1:0", "--Serilog:MinimumLevel:Default=Fatal"]);
        await app.PrepareAsync();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
