using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LogLine.Protocol.Merkle;

namespace LogLine.Cli.Tests.Witness;

/// <summary>C2SP tlog-witness over HTTP; the rules themselves are in WitnessRulesTests.</summary>
public sealed class WitnessTests : IDisposable
{
    private const string Name = "w1";
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-witness-").FullName;
    private readonly WatchedLog _log = new();

    [Fact]
    public async Task EveryVerdict_HasTheStatusOfTheSpecification()
    {
        await using var witness = await RunningWitness.StartAsync(_folder, Name, WatchedLog.VerifierKey);
        var first = await witness.AddAsync(_log.Request(0, 5));
        Assert.Equal((200, "text/plain"), (first.Status, first.Type));
        Assert.True(SignedNote.TryAddLine(_log.Note(5), first.Text, out var cosigned));
        Assert.True(Cosignature.TryVerify(cosigned, Name, witness.PublicKey, out var time));
        Assert.InRange(time, 1_700_000_000, long.MaxValue);

        Assert.Equal((409, "text/x.tlog.size", "5\n"), await witness.AddAsync(_log.Request(0, 9)));
        Assert.Equal((409, "text/x.tlog.size", "5\n"), await witness.AddAsync(_log.Request(3, 9)));
        Assert.Equal(200, (await witness.AddAsync(_log.Request(5, 5))).Status);
        Assert.Equal(200, (await witness.AddAsync(_log.Request(5, 9))).Status);
        Assert.Equal(400, (await witness.AddAsync(_log.Request(9, 7))).Status);
        Assert.Equal((409, "text/x.tlog.size", "9\n"), await witness.AddAsync(_log.Request(7, 7)));
        var fork = new WatchedLog(forksAt: 8);
        Assert.Equal(422, (await witness.AddAsync(fork.Request(9, 9))).Status);
        Assert.Equal(422, (await witness.AddAsync(fork.Request(9, 20))).Status);
        Assert.Equal(400, (await witness.AddAsync("old 9\n")).Status);
        Assert.Equal(400, (await RunningWitness.AddAsync(witness.Client, [0xff, 0xfe])).Status);
        Assert.Equal(413, (await RunningWitness.AddAsync(witness.Client, new byte[AddCheckpoint.MaxBytes + 1])).Status);
        Assert.Equal(404, (await witness.AddAsync(_log.Request(9, 12).Replace(WatchedLog.Origin, "log.example/unknown", StringComparison.Ordinal))).Status);
        Assert.Equal(403, (await witness.AddAsync(_log.Request(9, 12).Replace("\n12\n", "\n13\n", StringComparison.Ordinal))).Status);
        // None of these moved it.
        Assert.Equal(200, (await witness.AddAsync(_log.Request(9, 12))).Status);
    }

    [Fact]
    public async Task Monitor_GetsTheLastCosignedCheckpoint_WithTheVerifiedLinesAlone()
    {
        await using var witness = await RunningWitness.StartAsync(_folder, Name, WatchedLog.VerifierKey);
        var path = $"/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(WatchedLog.Origin)))}/checkpoint";
        Assert.Equal(404, (int)(await witness.Client.GetAsync(path, TestContext.Current.CancellationToken)).StatusCode);
        using var stranger = LogLine.Protocol.Crypto.SigningKey.Generate();
        var note = SignedNote.AddSignature(_log.Note(5), "stranger.example", stranger);
        Assert.Equal(200, (await witness.AddAsync(new AddCheckpoint(0, [], note).Write())).Status);

        var shown = await witness.Client.GetStringAsync(path, TestContext.Current.CancellationToken);

        Assert.True(SignedNote.TryVerify(shown, WatchedLog.Origin, WatchedLog.Key.PublicKey, out var body, out _));
        Assert.True(Cosignature.TryVerify(shown, Name, witness.PublicKey, out _));
        Assert.Equal(_log.Body(5), body);
        Assert.DoesNotContain("stranger", shown, StringComparison.Ordinal);
        Assert.Equal(405, (int)(await witness.Client.GetAsync("/add-checkpoint", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(404, (int)(await witness.Client.GetAsync("/" + new string('0', 64) + "/checkpoint", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task ManyAtOnce_AreCosignedOneAfterTheOther_AndNothingIsRolledBack()
    {
        await using var witness = await RunningWitness.StartAsync(_folder, Name, WatchedLog.VerifierKey);
        var cosigned = new System.Collections.Concurrent.ConcurrentBag<(int From, int To)>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 8), TestContext.Current.CancellationToken, async (seed, _) =>
        {
            var random = new Random(seed);
            var known = 0;
            for (var tries = 0; tries < 25; tries++)
            {
                var size = Math.Min(255, known + random.Next(0, 12));
                var answer = await witness.AddAsync(_log.Request(known, size));
                if (answer.Status == 200)
                {
                    cosigned.Add((known, size));
                    known = size;
                    continue;
                }
                Assert.Equal(409, answer.Status);
                var told = int.Parse(answer.Text, CultureInfo.InvariantCulture);
                Assert.True(told > known, $"rolled back from {known} to {told}");
                known = told;
            }
        });
        // Each step begins where another one ended: one history.
        var ends = cosigned.Select(step => step.To).Append(0).ToHashSet();
        Assert.All(cosigned, step => Assert.Contains(step.From, ends));
        Assert.Equal(cosigned.Count(step => step.From < step.To), cosigned.Where(step => step.From < step.To).Select(step => step.From).Distinct().Count());
    }

    [Fact]
    public async Task Restart_RemembersEveryLog()
    {
        await using (var witness = await RunningWitness.StartAsync(_folder, Name, WatchedLog.VerifierKey))
        {
            Assert.Equal(200, (await witness.AddAsync(_log.Request(0, 20))).Status);
        }
        await using var again = await RunningWitness.StartAsync(_folder, Name, WatchedLog.VerifierKey);
        Assert.Equal((409, "text/x.tlog.size", "20\n"), await again.AddAsync(_log.Request(0, 10)));
        Assert.Equal(422, (await again.AddAsync(new WatchedLog(forksAt: 3).Request(20, 30))).Status);
        Assert.Equal(200, (await again.AddAsync(_log.Request(20, 30))).Status);
    }

    [Fact]
    public async Task RecordThatIsMissingOrDamaged_IsRefused()
    {
        using var terminal = new Terminal();
        string[] command = ["ledger", "witness", "--listen", "127.0.0.1:0", "--name", Name, "--key", Path.Combine(_folder, Name + ".pem"), "--state", State, "--log", WatchedLog.VerifierKey];
        await using (var witness = await RunningWitness.StartAsync(_folder, Name, WatchedLog.VerifierKey))
        {
            Assert.Equal(200, (await witness.AddAsync(_log.Request(0, 20))).Status);
            Assert.Contains("another witness", (await terminal.RunAsync(command)).Expect(1).Errors);
        }
        var good = File.ReadAllText(State);
        foreach (var bad in new[] { "", "{", "[]", "{\"v\":2,\"logs\":{}}", good[..^1], good.Replace("20\\n", "19\\n", StringComparison.Ordinal), good.Replace(WatchedLog.Origin + "\":", "log.example/other\":", StringComparison.Ordinal) })
        {
            Assert.NotEqual(good, bad);
            File.WriteAllText(State, bad);
            Assert.Contains("is damaged", (await terminal.RunAsync(command)).Expect(1).Errors);
        }
        File.Delete(State);
        Assert.Contains("is missing", (await terminal.RunAsync(command)).Expect(1).Errors);
        Assert.False(File.Exists(State));
    }

    [Theory]
    [InlineData("--listen", "nowhere")]
    [InlineData("--log", "log.example/a+00000000+AAAA")]
    [InlineData("--name", "two words")]
    public async Task BadOption_IsNamed(string option, string value)
    {
        using var terminal = new Terminal();
        var options = new Dictionary<string, string>
        {
            ["--listen"] = "127.0.0.1:0", ["--name"] = Name, ["--key"] = Path.Combine(_folder, "k.pem"), ["--state"] = Path.Combine(_folder, "k.state"), ["--log"] = WatchedLog.VerifierKey, [option] = value,
        };
        var said = await terminal.RunAsync(["ledger", "witness", .. options.SelectMany(one => new[] { one.Key, one.Value })]);
        Assert.Contains(option == "--name" ? "name" : value, said.Expect(2).Errors);
    }

    private string State => Path.Combine(_folder, Name + ".state");

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
