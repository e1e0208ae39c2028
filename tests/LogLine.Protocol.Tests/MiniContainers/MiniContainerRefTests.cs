using LogLine.Protocol.MiniContainers;

namespace LogLine.Protocol.Tests.MiniContainers;

public sealed class MiniContainerRefTests
{
    private static readonly string Hash = new('a', 64);

    [Fact]
    public void FullForm_IsReadAndWrittenBack()
    {
        var text = $"mc:vv/my_app-1@blake3:{Hash}";

        Assert.True(MiniContainerRef.TryParse(text, out var reference));
        Assert.Equal(("vv", "my_app-1", "blake3:" + Hash), (reference.Tenant, reference.Name, reference.Hash));
        Assert.Equal(text, reference.ToString());
        Assert.Equal("urn:minicontainer:vv/my_app-1", reference.Subject);
    }

    [Fact]
    public void AnyRef_IsItsText_AndOfOneSubject_AndAnotherLetterMakesItAnotherOrNone() =>
        Laws.Hold(1_000, random =>
        {
            string Word(int least) => new([.. Enumerable.Range(0, random.Next(least, 20)).Select(i => "abz019_-"[random.Next(i == 0 ? 6 : 8)])]);
            var made = new MiniContainerRef(Word(2), Word(1), "blake3:" + Convert.ToHexStringLower(Enumerable.Range(0, 32).Select(_ => (byte)random.Next(256)).ToArray()));
            var text = made.ToString();

            Assert.True(MiniContainerRef.TryParse(text, out var read));
            Assert.Equal((made, made.Tenant, made.Name, made.Hash), (read, read.Tenant, read.Name, read.Hash));
            Assert.Equal(made.GetHashCode(), read.GetHashCode());
            Assert.True(read.IsOf(made.Subject));
            Assert.False(read.IsOf(made.Subject + "x") || read.IsOf(made.Subject[..^1]) || read.IsOf(null));

            var letters = text.ToCharArray();
            var at = random.Next(letters.Length);
            letters[at] = letters[at] == 'a' ? 'b' : 'a';
            Assert.True(!MiniContainerRef.TryParse(new string(letters), out var other) || other != read);
        });

    public static TheoryData<string?> Malformed => new(
        [
        null, "", "mc:", "vv/web", "mc:vv/web", $"mc:vv/web@{Hash}", $"mc:vv/web@blake3:{Hash[1..]}", $"mc:vv/web@blake3:{Hash}a", $"mc:vv/web@blake3:{Hash.ToUpperInvariant()}",
        $"mc:vv/web@sha256:{Hash}", $"MC:vv/web@blake3:{Hash}", $"mc:v/web@blake3:{Hash}", $"mc:vv/@blake3:{Hash}", $"mc:/web@blake3:{Hash}", $"mc:VV/web@blake3:{Hash}",
        $"mc:vv/Web@blake3:{Hash}", $"mc:vv/web/x@blake3:{Hash}", $"mc:vv/-web@blake3:{Hash}", $"mc:_v/web@blake3:{Hash}", $"mc:vv/we b@blake3:{Hash}", $" mc:vv/web@blake3:{Hash}",
        $"mc:vv/web@blake3:{Hash}\n", $"mc:vv/{new string('n', 64)}@blake3:{Hash}", $"mc:{new string('t', 64)}/web@blake3:{Hash}", $"mc:vv/wéb@blake3:{Hash}", $"mc:vv@blake3:{Hash}/web",
        ]);

    [Theory]
    [MemberData(nameof(Malformed))]
    public void AnythingElse_IsNoRef(string? text) => Assert.False(MiniContainerRef.TryParse(text, out _));

    [Theory]
    [InlineData("ab", true)]
    [InlineData("a", false)]
    [InlineData("0_-", true)]
    [InlineData("-a", false)]
    [InlineData("aB", false)]
    public void Tenant_HasTwoTo63Characters(string text, bool accepted) => Assert.Equal(accepted, Identifiers.IsTenant(text));

    [Theory]
    [InlineData("urn:minicontainer:vv/web", "minicontainer", "vv", "web")]
    [InlineData("urn:wallet:vv", "wallet", "vv", "")]
    [InlineData("urn:container:vv/a/b", "container", "vv", "a/b")]
    public void Subject_IsTakenApart(string subject, string kind, string tenant, string name)
    {
        Assert.True(Identifiers.TryParseSubject(subject, out var foundKind, out var foundTenant, out var foundName));
        Assert.Equal((kind, tenant, name), (foundKind, foundTenant, foundName));
    }

    [Fact]
    public void Subject_Of513Characters_IsNone() => Assert.False(Identifiers.TryParseSubject("urn:wallet:" + new string('a', 502), out _, out _, out _));
}
