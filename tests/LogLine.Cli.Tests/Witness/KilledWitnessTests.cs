using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Tests.Witness;

/// <summary>The witness as a process that is killed in the middle: what it has cosigned it still knows.</summary>
public sealed class KilledWitnessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("logline-witness-").FullName;

    [Fact]
    public async Task KilledAtAnyMoment_ItNeverForgetsACosignature()
    {
        var random = new Random(4);
        var log = new WatchedLog();
        var (cosigned, vkey) = (0, "");
        for (var round = 0; round < 5; round++)
        {
            using var process = Start();
            var announced = JsonDocument.Parse((await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!).RootElement;
            // The same key every time: made once, at the first start.
            Assert.True(vkey.Length == 0 || vkey == announced.Text("vkey"));
            vkey = announced.Text("vkey")!;
            using var client = new HttpClient { BaseAddress = new Uri(announced.Text("listening")!) };

            // A fork or a rollback asks first; it is told where the log was.
            var told = await RunningWitness.AddAsync(client, System.Text.Encoding.UTF8.GetBytes(log.Request(0, 1)));
            var known = told.Status == 200 ? 1 : int.Parse(told.Text, CultureInfo.InvariantCulture);
            Assert.True(known >= cosigned, $"cosigned {cosigned}, remembers {known}");

            var answers = random.Next(1, 12);
            while (answers-- > 0)
            {
                var next = known + random.Next(1, 4);
                var answer = await RunningWitness.AddAsync(client, System.Text.Encoding.UTF8.GetBytes(log.Request(known, next)));
                Assert.Equal(200, answer.Status);
                known = cosigned = next;
            }
            // One more is on its way while the process dies: it may have been recorded without an answer, never the other way round.
            var last = RunningWitness.AddAsync(client, System.Text.Encoding.UTF8.GetBytes(log.Request(known, known + 1)));
            process.Kill();
            try
            {
                cosigned = (await last).Status == 200 ? known + 1 : cosigned;
            }
            catch (HttpRequestException)
            {
                // No answer: nobody holds that cosignature.
            }
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    private Process Start() => Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "logline"),
        ["ledger", "witness", "--listen", "127.0.0.1:0", "--name", "w1", "--key", Path.Combine(_folder, "w1.pem"), "--state", Path.Combine(_folder, "w1.state"), "--log", WatchedLog.VerifierKey, "--json"])
    {
        RedirectStandardOutput = true,
    })!;

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
