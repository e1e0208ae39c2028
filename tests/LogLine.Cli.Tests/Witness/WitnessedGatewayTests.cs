using System.Net;
using System.Net.Sockets;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Tests.Witness;

/// <summary>The gateway and witnesses that it asks: what a quorum has seen is what everybody is shown, and a fork is seen by the first who is asked again.</summary>
public sealed class WitnessedGatewayTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("logline-witness-").FullName;

    private string Folder => Path.Combine(_root, "data");

    [Fact]
    public async Task Quorum_CosignsTheNewestCheckpoint_AndReceiptsCarryIt()
    {
        var vkey = await WitnessedGateway.MakeAsync(Folder);
        await using var one = await RunningWitness.StartAsync(_root, "w1", vkey);
        await using var two = await RunningWitness.StartAsync(_root, "w2", vkey);
        await using var gateway = await WitnessedGateway.StartAsync(Folder, 2, one, two);
        Assert.Equal(404, (await gateway.GetAsync("/tlog/checkpoint")).Status);
        var name = (await gateway.SendAsync("a")).Text("this");
        await gateway.SendAsync("b");
        await gateway.HealthAsync(health => health.Integer("cosigned_size") == 2 && health.Integer("behind") == 0);

        var note = (await gateway.GetAsync("/tlog/checkpoint")).Text;
        Assert.True(SignedNote.TryParseVerifierKey(vkey, out var origin, out var logKey));
        Assert.True(SignedNote.TryVerify(note, origin, logKey, out _, out _));
        Assert.All(new[] { one, two }, witness => Assert.True(Cosignature.TryVerify(note, witness.Name, witness.PublicKey, out _)));

        var receipt = await gateway.GetAsync($"/v1/spans/{name}/receipt?witnessed=true");
        Assert.Null(Receipt.TryRead(receipt.Json, out var read));
        Assert.Null(read.Verify(logKey, origin: origin));
        using var terminal = new Terminal();
        var file = terminal.Write("r.json", receipt.Text);
        Assert.Contains("2 of 2 witnesses cosigned", (await terminal.RunAsync("receipts", "verify", file, "--key", gateway.LogKey, "--witness", one.VerifierKey, "--witness", two.VerifierKey)).Expect(0).Output);
        var plain = terminal.Write("plain.json", (await gateway.GetAsync($"/v1/spans/{name}/receipt")).Text);
        Assert.Contains("is cosigned by 0", (await terminal.RunAsync("receipts", "verify", plain, "--key", gateway.LogKey, "--witness", one.VerifierKey)).Expect(1).Errors);
    }

    [Fact]
    public async Task OneWitnessGone_AQuorumOfOneGoesOn_AndItIsNamed()
    {
        var vkey = await WitnessedGateway.MakeAsync(Folder);
        await using var one = await RunningWitness.StartAsync(_root, "w1", vkey);
        var two = await RunningWitness.StartAsync(_root, "w2", vkey);
        await using var gateway = await WitnessedGateway.StartAsync(Folder, 1, one, two);
        var address = new IPEndPoint(IPAddress.Loopback, new Uri(two.Url).Port);
        await two.DisposeAsync();
        // Its port stays taken, so that nobody else answers there.
        using var port = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        port.Bind(address);
        await gateway.SendAsync("a");

        var health = await gateway.HealthAsync(health => health.Integer("behind") == 0 && Standing(health, 1) == "unreachable");

        Assert.Equal("cosigns", Standing(health, 0));
        Assert.Equal(200, (await gateway.GetAsync("/tlog/checkpoint")).Status);
    }

    [Fact]
    public async Task ForkedLog_IsCaughtByTheWitnesses_AndTheForkShowsNoCheckpoint()
    {
        var vkey = await WitnessedGateway.MakeAsync(Folder);
        var copy = Path.Combine(_root, "copy");
        await using var one = await RunningWitness.StartAsync(_root, "w1", vkey);
        await using var two = await RunningWitness.StartAsync(_root, "w2", vkey);
        Copy(Folder, copy);
        await using (var honest = await WitnessedGateway.StartAsync(Folder, 2, one, two))
        {
            await honest.SendAsync("a");
            await honest.SendAsync("b");
            await honest.HealthAsync(health => health.Integer("cosigned_size") == 2);
        }

        // The copy has the same keys and another history: behind, equally long, and ahead of what the witnesses know.
        await using var forked = await WitnessedGateway.StartAsync(copy, 2, one, two);
        for (var size = 1; size <= 3; size++)
        {
            await forked.SendAsync("fork" + size);
        }
        var health = await forked.HealthAsync(health => Standing(health, 0) == "disagrees" && Standing(health, 1) == "disagrees");

        Assert.Equal(0, health.Integer("cosigned_size"));
        Assert.Equal(404, (await forked.GetAsync("/tlog/checkpoint")).Status);
    }

    [Fact]
    public async Task RolledBackLedger_IsNotOpened()
    {
        var vkey = await WitnessedGateway.MakeAsync(Folder);
        await using var one = await RunningWitness.StartAsync(_root, "w1", vkey);
        var old = Path.Combine(_root, "old");
        Copy(Folder, old);
        await using (var gateway = await WitnessedGateway.StartAsync(Folder, 1, one))
        {
            await gateway.SendAsync("a");
            await gateway.HealthAsync(health => health.Integer("cosigned_size") == 1);
        }
        await using (var again = await WitnessedGateway.StartAsync(Folder, 1, one))
        {
            // Kept over the restart: nobody had to be asked.
            Assert.Equal(200, (await again.GetAsync("/tlog/checkpoint")).Status);
        }
        foreach (var file in Directory.GetFiles(Folder, "ledger.db*"))
        {
            File.Delete(file);
        }
        foreach (var file in Directory.GetFiles(old, "ledger.db*"))
        {
            File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        }
        var refusal = await Assert.ThrowsAnyAsync<Exception>(() => WitnessedGateway.StartAsync(Folder, 1, one));
        Assert.Contains("The ledger must not go on from here", refusal.Message);
    }

    [Fact]
    public async Task PrunedLog_IsCosignedOn_ByWhoKnowsIt_WhoIsFarBehind_AndWhoNeverSawIt()
    {
        var vkey = await WitnessedGateway.MakeAsync(Folder);
        await using var one = await RunningWitness.StartAsync(_root, "w1", vkey);
        string name;
        await using (var behind = await RunningWitness.StartAsync(_root, "w2", vkey))
        {
            await using var gateway = await WitnessedGateway.StartAsync(Folder, 2, one, behind);
            name = (await gateway.FillAsync(100))[7];
            await gateway.HealthAsync(health => health.Integer("cosigned_size") == 100);
        }
        using var terminal = new Terminal();
        string receipt, logKey;
        await using (var gateway = await WitnessedGateway.StartAsync(Folder, 1, one))
        {
            await gateway.FillAsync(500);
            await gateway.HealthAsync(health => health.Integer("cosigned_size") == 600);
            (receipt, logKey) = (terminal.Write("r.json", (await gateway.GetAsync($"/v1/spans/{name}/receipt?witnessed=true")).Text), gateway.LogKey);
        }

        var gone = (await terminal.RunAsync("ledger", "prune", "--data", Folder, "--before", "600", "--yes", "--json")).Expect(0).Json;

        Assert.Equal((512, 512), (gone.Integer("minimum_index"), gone.Integer("pruned")));
        await using var back = await RunningWitness.StartAsync(_root, "w2", vkey);
        await using var fresh = await RunningWitness.StartAsync(_root, "w3", vkey);
        await using var pruned = await WitnessedGateway.StartAsync(Folder, 3, one, back, fresh);
        Assert.Equal(404, (await pruned.GetAsync("/v1/spans/" + name)).Status);
        await pruned.SendAsync("afterwards");
        await pruned.HealthAsync(health => health.Integer("cosigned_size") == 602 && health.Integer("behind") == 0);
        var note = (await pruned.GetAsync("/tlog/checkpoint")).Text;
        Assert.All(new[] { one, back, fresh }, witness => Assert.True(Cosignature.TryVerify(note, witness.Name, witness.PublicKey, out _)));
        // What was proved holds, and the tree of then is the beginning of today's, from whatever size.
        Assert.Contains("1 of 1 witnesses cosigned", (await terminal.RunAsync("receipts", "verify", receipt, "--key", logKey, "--witness", one.VerifierKey)).Expect(0).Output);
        foreach (var from in new[] { 100, 400, 600 })
        {
            Assert.Null(LogConsistency.TryRead((await pruned.GetAsync($"/v1/ledger/consistency?from={from}&to=602")).Json, out var proof));
            Assert.All(proof.Steps([Convert.FromHexString(logKey)]), step => Assert.Null(step.Fault));
        }
    }

    private static string? Standing(System.Text.Json.JsonElement health, int witness) => health.Items("list").ElementAtOrDefault(witness).Text("standing");

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(Path.Combine(to, "keys"));
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock"))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
