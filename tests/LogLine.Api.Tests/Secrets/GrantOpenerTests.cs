using LogLine.Api.Runs;
using LogLine.Api.Secrets;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Secrets;

public sealed class GrantOpenerTests : IDisposable
{
    private readonly GrantLab _lab = new();

    [Fact]
    public async Task GoodGrant_LetsTheSecretOut()
    {
        var (opened, refused) = await _lab.OpenAsync();
        Assert.Null(refused);
        var grant = Assert.Single(opened);
        Assert.Equal("db", grant.GrantId);
        Assert.True(grant.Secret.FixedTimeEquals(_lab.Secret));
        Assert.Equal(grant.Digest, Assert.Single((await _lab.OpenAsync()).Opened).Digest);
        _lab.Secret = "another-secret"u8.ToArray();
        Assert.NotEqual(grant.Digest, Assert.Single((await _lab.OpenAsync()).Opened).Digest);
    }

    [Theory]
    [InlineData("iat", "2026-11-20T12:00:01Z", "grant_not_yet")]
    [InlineData("ttl", "P1M", "grant_life")]
    [InlineData("aud", "docker", "grant_audience")]
    [InlineData("aud", "runner_0000000000000000", "grant_audience")]
    [InlineData("scope", "build:read", "grant_scope")]
    [InlineData("kid", "kid_2", "grant_kid")]
    [InlineData("tenant", "other", "grant_tenant")]
    [InlineData("artifact_hash", "blake3:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "grant_artifact")]
    [InlineData("artifact_id", "elsewhere", "grant_missing")]
    public async Task TermThatDoesNotHold_KeepsItClosed(string member, string value, string reason)
    {
        _lab.Grant[member] = member == "scope" ? new[] { value } : value;
        await RefusedAsync(reason);
    }

    [Fact]
    public async Task AudienceOfThisRunner_IsEnough()
    {
        _lab.Grant["aud"] = _lab.Runner.Kid;
        Assert.Null((await _lab.OpenAsync()).Refused);
    }

    [Fact]
    public async Task Life_EndsAtItsInstant()
    {
        Assert.Null((await _lab.OpenAsync(now: GrantLab.Noon.AddHours(1).AddTicks(-1))).Refused);
        Assert.Equal("grant_expired", (await _lab.OpenAsync(now: GrantLab.Noon.AddHours(1))).Refused?.Reason);
    }

    [Fact]
    public async Task MissingIat_IsTheManifestsTime()
    {
        _lab.Grant.Remove("iat");
        Assert.Null((await _lab.OpenAsync()).Refused);
        Assert.Equal("grant_expired", (await _lab.OpenAsync(now: GrantLab.Noon.AddHours(1))).Refused?.Reason);
    }

    [Fact]
    public async Task Revoked_StaysClosed()
    {
        _lab.Revoked.Add("db");
        await RefusedAsync("grant_revoked");
    }

    [Fact]
    public async Task ForgedSignature_StaysClosed()
    {
        using var other = SigningKey.Generate();
        _lab.SignedBy = other;
        await RefusedAsync("grant_signature");
    }

    [Fact]
    public async Task ManifestOfAnotherTenant_StaysClosed()
    {
        _lab.ManifestTenant = "other";
        await RefusedAsync("grant_tenant");
    }

    [Fact]
    public async Task CopiedArtifact_DoesNotOpenForWhoCopiedIt()
    {
        // The thief has bytes and wraps, signs a grant of his own, applies a manifest of his own: everything is right but the owner.
        _lab.Sealed = new ArtifactOwner("secret_db", "secret", "victim", "kid_1");
        await RefusedAsync("artifact_sealed");
        _lab.Sealed = new ArtifactOwner("secret_db", "secret", "vv", "kid_victim");
        await RefusedAsync("artifact_sealed");
    }

    [Fact]
    public async Task ArtifactOfAnEarlierKey_OpensForItsSuccessor()
    {
        _lab.Sealed = _lab.Sealed with { OwnerKid = "kid_0" };
        _lab.Keys["kid_1"] = new GrantKey(_lab.Owner.PublicKey.ToArray(), ["kid_1", "kid_0"]);
        Assert.Null((await _lab.OpenAsync()).Refused);
    }

    [Fact]
    public async Task NotUploaded_SaysHow()
    {
        _lab.Forget = true;
        Assert.Contains("logline artifacts put", (await RefusedAsync("artifact_missing")).Message);
    }

    [Fact]
    public async Task Bytes_NeedAFile()
    {
        _lab.Secret = [0xff, 0, 1];
        await RefusedAsync("secret_no_text");
        _lab.Value = "grant://db?as=file&path=/run/secrets/db";
        Assert.Null((await _lab.OpenAsync()).Refused);
    }

    /// <summary>Linux starts no process with a variable of more than 128 KiB, its name, the equals sign and the NUL behind it included.</summary>
    [Fact]
    public async Task SecretThatFitsIntoNoVariable_NeedsAFile()
    {
        _lab.Secret = new byte[131_072 - "DB=".Length - 1];
        Array.Fill(_lab.Secret, (byte)'s');
        Assert.Null((await _lab.OpenAsync()).Refused);
        _lab.Secret = [.. _lab.Secret, (byte)'s'];
        var refused = await RefusedAsync("secret_too_large");
        Assert.Contains("the variable 'DB' takes 131072 bytes", refused.Message);
        Assert.Contains("grant://db?as=file&path=/run/secrets/db", refused.Message);
        _lab.Value = "grant://db?as=file&path=/run/secrets/db";
        Assert.Null((await _lab.OpenAsync()).Refused);
    }

    [Fact]
    public async Task Mask_HidesTheSecretWhereverItStands()
    {
        _lab.Secret = "-----BEGIN-----\nMIIEvQIBADANBg\nab\n-----END-----"u8.ToArray();
        var mask = SecretMask.Of((await _lab.OpenAsync()).Opened);
        Assert.Equal("got «grant:db» twice «grant:db»", mask.Apply("got -----BEGIN-----\nMIIEvQIBADANBg\nab\n-----END----- twice MIIEvQIBADANBg"));
        // A line of two letters would blacken every word that has them.
        Assert.Equal("a table", mask.Apply("a table"));
        var document = mask.Apply(System.Text.Json.JsonDocument.Parse("""{"stdout":"x MIIEvQIBADANBg","list":["MIIEvQIBADANBg",1,true]}""").RootElement);
        Assert.DoesNotContain("MIIE", document.GetRawText());
        Assert.Contains("1,true", document.GetRawText());
    }

    /// <summary>A file's last line has an end, which the line of a log has not: <c>echo 4711 &gt; pin.txt</c>.</summary>
    [Theory, InlineData("4711\n"), InlineData("4711\r\n"), InlineData("\n4711\n\n")]
    public async Task Mask_HidesAShortSecretWithoutTheEndOfItsLine(string secret)
    {
        _lab.Secret = System.Text.Encoding.UTF8.GetBytes(secret);
        Assert.Equal("pin=«grant:db».", SecretMask.Of((await _lab.OpenAsync()).Opened).Apply("pin=4711."));
    }

    /// <summary>The secret's first half is the last that a reader gets of a line that was too long.</summary>
    [Fact]
    public async Task FollowedLog_HidesWhatTheRingsEdgeLeftOfASecret()
    {
        var mask = SecretMask.Of((await _lab.OpenAsync()).Opened);
        var ring = new LogRing(10, 4 * 20, line => line.Shown(mask, null));
        ring.Append(1, "the value is hunter2-and-more\nplain hunter2-and-more"u8.ToArray());
        ring.End();

        var (lines, _) = (await ring.TakeAsync(TestContext.Current.CancellationToken))!.Value;

        Assert.Equal(["the value is «grant:db»", "plain «grant:db»"], lines.Select(line => line.Text));
        Assert.Null(lines[0].Shown(mask, "hunter2"));
        Assert.Null(new LogLineRead(1, "the value is hunter2-and-more").Shown(mask, "hunter2"));
        Assert.Equal("the value is «grant:db»", new LogLineRead(1, "the value is hunter2-and-more").Shown(mask, "grant:db")!.Text);
    }

    [Theory]
    [InlineData("er2-and-more and so on", true, "«grant:db» and so on")]
    [InlineData("\uFFFDmore hunter2-and-more", true, "«grant:db» «grant:db»")]
    [InlineData("plain", true, "plain")]
    [InlineData("value=hunter2-an", false, "value=«grant:db»")]
    [InlineData("hunter2-and-more", false, "«grant:db»")]
    [InlineData("", false, "")]
    public async Task Mask_HidesWhatACutLeftOfASecret(string text, bool atStart, string shown) => Assert.Equal(shown, SecretMask.Of((await _lab.OpenAsync()).Opened).ApplyToCut(text, atStart));

    /// <summary>An engine's log begins anew where it was full. Less than four characters of a secret say nothing, and begin many lines.</summary>
    [Theory]
    [InlineData("er2-and-more and so on", false, "«grant:db» and so on")]
    [InlineData("more", false, "«grant:db»")]
    [InlineData("ore of it", false, "ore of it")]
    [InlineData("and more", false, "and more")]
    [InlineData("-more: hunter2-and-more, hunter2-an", true, "«grant:db»: «grant:db», «grant:db»")]
    public async Task Mask_HidesWhatALogThatBeginsAnewLeftOfASecret(string line, bool isCut, string shown)
    {
        var mask = SecretMask.Of((await _lab.OpenAsync()).Opened);
        Assert.Equal(shown, mask.ApplyToLine(line, isCut));
        Assert.Equal(shown, new LogLineRead(1, line, isCut).Masked(mask));
        Assert.Equal(line, SecretMask.None.ApplyToLine(line, isCut));
    }

    public void Dispose() => _lab.Dispose();

    private async Task<GrantRefusal> RefusedAsync(string reason)
    {
        var (opened, refused) = await _lab.OpenAsync();
        Assert.Empty(opened);
        Assert.Equal(reason, refused?.Reason);
        Assert.DoesNotContain("hunter2", refused!.Message);
        return refused;
    }
}
