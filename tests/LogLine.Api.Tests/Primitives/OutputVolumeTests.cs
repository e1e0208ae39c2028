using LogLine.Api.Runs;
using LogLine.Api.Tests.Adapters.Engine;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>
/// A container of a real engine that prints a gibibyte, followed through the gateway by a reader who stops reading: the gateway's memory does not grow with it.
/// </summary>
[Collection(nameof(Alone))]
public sealed class OutputVolumeTests
{
    private const long Mebibyte = 1L << 20;
    private const long HeapMayMove = 8 * Mebibyte;
    private const long ResidentMayMove = 32 * Mebibyte;

    // Lines of 4000 bytes; the first part, which is not measured, is what the process needs to be warm.
    private const string Script = "b=$(head -c 3999 /dev/zero | tr '\\0' x); yes $b | head -c 67108864; until [ -e /tmp/go ]; do sleep 0.05; done; yes $b | head -c 1073741824; echo; echo done";

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task AGibibyte_DoesNotMoveTheGatewaysMemory(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync("loud", Script);
        var run = (await lab.SendAsync("container.inspect", name)).Json.Member("run").Text("run_id")!;
        using var response = await lab.Gateway.Client.GetAsync($"/v1/runs/{run}/logs?follow=true", HttpCompletionOption.ResponseHeadersRead, PrimitiveLab.Cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(PrimitiveLab.Cancel));
        while (await reader.ReadLineAsync(PrimitiveLab.Cancel) is { } line && !line.StartsWith("data:", StringComparison.Ordinal))
        {
        }
        // A ring beside it, whose reader never reads at all.
        var ring = new LogRing();
        using var enough = new CancellationTokenSource();
        var following = lab.Adapter.FollowLogAsync((await lab.Engine.InspectAsync($"dev-{name}", PrimitiveLab.Cancel))!.Id, 1, ring, enough.Token);
        var (heap, resident) = (LivingMemory.Bytes(), LivingMemory.Resident());
        await lab.ReleaseAsync(name);

        var looks = new List<(long Heap, long Resident)>();
        while (await lab.Adapter.FindByNameAsync("dev", name, PrimitiveLab.Cancel) is { State: WorkloadState.Running })
        {
            looks.Add((LivingMemory.Bytes(), LivingMemory.Resident()));
            await Task.Delay(100, PrimitiveLab.Cancel);
        }
        // While it prints, too: half of the looks, whatever one of them met.
        Assert.InRange(looks.Select(look => look.Heap).Order().ElementAt(looks.Count / 2), 0, heap + HeapMayMove);
        Assert.InRange(looks.Select(look => look.Resident).Order().ElementAt(looks.Count / 2), 0, resident + ResidentMayMove);
        try
        {
            await following.WaitAsync(PrimitiveLab.Cancel);
        }
        catch (AdapterException cutOff) when (provider == "docker")
        {
            // Docker ends a stream whose log is rotated faster than it is read, and says so in its own words.
            Assert.DoesNotContain("no frames", cutOff.Message);
        }
        await LivingMemory.AssertSettlesAsync(LivingMemory.Bytes, heap + HeapMayMove);
        await LivingMemory.AssertSettlesAsync(LivingMemory.Resident, resident + ResidentMayMove);
    }
}
