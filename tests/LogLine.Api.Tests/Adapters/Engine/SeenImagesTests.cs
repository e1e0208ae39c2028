using LogLine.Api.Adapters.Engine;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>What an image's name meant a moment ago is not asked again; what may mean something else by now is.</summary>
public sealed class SeenImagesTests
{
    const string Name = "localhost/app:1";
    int looks;

    [Fact]
    public async Task Name_IsLookedUpOnce_UntilImagesChange()
    {
        var seen = new SeenImages(TimeSpan.FromHours(1), TimeProvider.System);
        Assert.Equal("sha256:1", await LookAsync(seen, Name, "sha256:1"));
        Assert.Equal("sha256:1", await LookAsync(seen, Name, "sha256:2"));

        seen.Forget();

        Assert.Equal("sha256:2", await LookAsync(seen, Name, "sha256:2"));
        Assert.Equal(2, looks);
    }

    [Fact]
    public async Task Name_OfNoLife_IsLookedUpEachTime()
    {
        var seen = new SeenImages(TimeSpan.Zero, TimeProvider.System);
        await LookAsync(seen, Name, "sha256:1");
        await LookAsync(seen, Name, "sha256:1");
        Assert.Equal(2, looks);
    }

    [Theory]
    [InlineData("sha256:1111111111111111111111111111111111111111111111111111111111111111", "sha256:1")]
    [InlineData(Name, null)]
    public async Task Id_AndWhatIsNotThere_AreNotKept(string reference, string? id)
    {
        var seen = new SeenImages(TimeSpan.FromHours(1), TimeProvider.System);
        Assert.Equal(id, await LookAsync(seen, reference, id));
        Assert.Equal("sha256:9", await LookAsync(seen, reference, "sha256:9"));
    }

    [Fact]
    public async Task WhatWasSeenOfATenant_IsNotAnothers()
    {
        var seen = new SeenImages(TimeSpan.FromHours(1), TimeProvider.System);
        await LookAsync(seen, Name, "sha256:1");
        Assert.Null(await seen.GetAsync("other", Name, () => Task.FromResult<SeenImage?>(null)));
    }

    [Fact]
    public async Task LookDuringAChange_IsNotKept()
    {
        var seen = new SeenImages(TimeSpan.FromHours(1), TimeProvider.System);
        await seen.GetAsync("dev", Name, () =>
        {
            seen.Forget();
            return Task.FromResult<SeenImage?>(new("sha256:1", []));
        });
        Assert.Equal("sha256:2", await LookAsync(seen, Name, "sha256:2"));
    }

    async Task<string?> LookAsync(SeenImages seen, string reference, string? id) => (await seen.GetAsync("dev", reference, () =>
    {
        looks++;
        return Task.FromResult(id is null ? null : new SeenImage(id, []));
    }))?.Id;
}
