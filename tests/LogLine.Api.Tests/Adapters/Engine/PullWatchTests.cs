using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>What is said of a pull is about its layers.</summary>
public sealed class PullWatchTests
{
    [Fact]
    public async Task LineAboutTheWholeImage_IsNoLayer()
    {
        var said = new List<RunProgress>();
        var watch = new PullWatch(progress =>
        {
            said.Add(progress);
            return Task.CompletedTask;
        });

        foreach (var (status, id) in new[] { ("Pulling from library/nginx", "1.27"), ("Pulling fs layer", "aaaaaaaaaaaa"), ("Already exists", "bbbbbbbbbbbb"), ("Pull complete", "aaaaaaaaaaaa") })
            await watch.SeeAsync(new PullProgress((string?)null) { Id = id, Status = status });

        Assert.Equal([1, 2, 2], said.Select(progress => progress.Done));
    }
}
