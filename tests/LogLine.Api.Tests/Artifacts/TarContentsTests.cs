using System.Formats.Tar;
using LogLine.Api.Artifacts;

namespace LogLine.Api.Tests.Artifacts;

/// <summary>What may be in an archive that goes to an engine.</summary>
public sealed class TarContentsTests
{
    public static TheoryData<string, string, TarEntryType> Bad => new()
    {
        { "/etc/passwd", "", TarEntryType.RegularFile },
        { "../x", "", TarEntryType.RegularFile },
        { "a/../../x", "", TarEntryType.RegularFile },
        { "a\nb", "", TarEntryType.RegularFile },
        { "link", "/etc", TarEntryType.SymbolicLink },
        { "link", "../x", TarEntryType.SymbolicLink },
        { "a/link", "../../x", TarEntryType.SymbolicLink },
        { "link", "../x", TarEntryType.HardLink },
        { "link", "/etc/shadow", TarEntryType.HardLink },
        { "device", "", TarEntryType.CharacterDevice },
        { "device", "", TarEntryType.BlockDevice },
        { "pipe", "", TarEntryType.Fifo },
    };

    [Theory, MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public async Task WhatLeadsOut_IsRefused(string name, string target, TarEntryType type)
    {
        var entry = new PaxTarEntry(type, name);
        if (target.Length > 0)
        {
            entry.LinkName = target;
        }
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Of(entry)));
    }

    [Fact]
    public async Task NameThroughALink_IsRefused() =>
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Of(Tars.Link("a", "b"), new PaxTarEntry(TarEntryType.RegularFile, "a/x"))));

    [Theory]
    [InlineData("a/b/l")]
    [InlineData("./a/b/l")]
    [InlineData("a/b/l/x")]
    public async Task HardLinkToALink_IsRefused(string target) =>
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Of(Tars.Link("a/b/l", "../../etc"), Tars.Link("h", target, TarEntryType.HardLink), new PaxTarEntry(TarEntryType.RegularFile, "h/x"))));

    [Fact]
    public async Task LinksThatStayInside_Pass()
    {
        var tar = Tars.Of(new PaxTarEntry(TarEntryType.RegularFile, "./b"), Tars.Link("a/up", "../b"), Tars.Link("same", "./b"), Tars.Link("hard", "./b", TarEntryType.HardLink));

        Assert.Equal(4, (await TarContents.CheckAsync(new MemoryStream(tar), 1 << 20, null, TestContext.Current.CancellationToken)).Entries);
    }

    /// <summary>As <c>git archive</c> begins its own.</summary>
    [Fact]
    public async Task HeaderForAllEntries_IsNoEntry()
    {
        var tar = Tars.Of(new PaxGlobalExtendedAttributesTarEntry([new("comment", new string('0', 40))]), new PaxTarEntry(TarEntryType.RegularFile, "a"));

        Assert.Equal(1, (await TarContents.CheckAsync(new MemoryStream(tar), 1 << 20, null, TestContext.Current.CancellationToken)).Entries);
    }

    /// <summary>x/y/z/l is the place where the archive is unpacked, and two folders above that are no part of it.</summary>
    [Fact]
    public async Task LinkThatClimbsFromWhereAnotherLedIt_IsRefused() =>
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Of(Tars.Link("x/y/z/l", "../../.."), Tars.Link("out", "x/y/z/l/../../etc"))));

    /// <summary>It would be unpacked under another name, or as another file.</summary>
    [Fact]
    public async Task WhatIsReadOtherwiseElsewhere_IsRefused()
    {
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Old([.. "caf"u8, 0xE9], [])));
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Old("folder/", new byte[512])));
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Of(new PaxTarEntry(TarEntryType.RegularFile, "a", [new("GNU.sparse.name", "b")]))));
    }

    [Fact]
    public async Task NamesWithoutEnd_AreNotKept()
    {
        var name = new string('n', 4000);
        Assert.Equal(ArtifactFailure.TooLarge, await FailureAsync(Tars.Of([.. Enumerable.Range(0, 9000).Select(i => new PaxTarEntry(TarEntryType.RegularFile, $"{i}{name}"))])));
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Of(Tars.Link("l", new string('l', 5000)))));
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Of(new PaxTarEntry(TarEntryType.RegularFile, string.Join('/', Enumerable.Repeat("a", 257))))));
    }

    [Fact]
    public async Task MoreThanItMayUnpackTo_IsTooLarge() => Assert.Equal(ArtifactFailure.TooLarge, await FailureAsync(Tars.Of(("a", new string('x', 600)), ("b", new string('x', 600))), 1000));

    [Fact]
    public async Task HeaderOfAGigabyte_IsRefusedWithoutReadingIt()
    {
        var tar = Tars.Of(new PaxTarEntry(TarEntryType.RegularFile, "a", [new("comment", "x")]));
        // The extended header comes first; its size is eleven octal digits at 124, its checksum eight characters at 148.
        "07777777777"u8.CopyTo(tar.AsSpan(124));
        tar.AsSpan(148, 8).Fill((byte)' ');
        var sum = tar.AsSpan(0, 512).ToArray().Sum(b => (int)b);
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(tar.AsSpan(148));

        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(tar));
    }

    [Fact]
    public async Task Noise_IsNoTar()
    {
        var random = new Random(5);
        for (var i = 0; i < 200; i++)
        {
            var noise = new byte[random.Next(512, 4096)];
            random.NextBytes(noise);
            Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(noise));
        }
    }

    /// <summary>Numbers that the base library cannot hold, wherever they stand: a broken tar, and no defect of the gateway's.</summary>
    [Theory]
    [InlineData(100, 8), InlineData(108, 8), InlineData(116, 8), InlineData(124, 12), InlineData(136, 12)]
    public async Task NumberWithoutEnd_IsNoTar(int at, int length)
    {
        var header = new byte[512];
        "name"u8.CopyTo(header);
        header[at] = 0x80;
        header.AsSpan(at + 1, length - 1).Fill(0x7f);
        Assert.Equal(ArtifactFailure.Malformed, await FailureAsync(Tars.Old(header, [])));
    }

    private static async Task<ArtifactFailure> FailureAsync(byte[] tar, long maxBytes = 1 << 30) =>
        (await Assert.ThrowsAsync<ArtifactException>(() => TarContents.CheckAsync(new MemoryStream(tar), maxBytes, null, TestContext.Current.CancellationToken))).Failure;
}
