using System.Text;
using System.Text.RegularExpressions;
using LogLine.Protocol.Merkle;

namespace LogLine.Protocol.Tests.Merkle;

/// <summary>docs/ledger-format.md shows one real proof: a reader who follows the page must get through.</summary>
public sealed class LedgerFormatPageTests
{
    [Fact]
    public void ProofOnThePage_VerifiesUnderTheKeyOnThePage()
    {
        var page = File.ReadAllText(PagePath());
        var key = Regex.Match(page, "`([^`+]+\\+[0-9a-f]{8}\\+[^`]+)`").Groups[1].Value;
        var text = Regex.Match(page, "```tlog-proof\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        Assert.True(SignedNote.TryParseVerifierKey(key, out var origin, out var publicKey));
        Assert.True(TlogProof.TryParse(text, out var proof));
        Assert.True(proof.TryVerify(proof.Extra, origin, publicKey, out var checkpoint));
        Assert.Equal((1, 3), (proof.Index, checkpoint.Size));
        Assert.StartsWith("{\"env\":\"prd\",\"hash\":\"blake3:", Encoding.UTF8.GetString(proof.Extra!), StringComparison.Ordinal);
    }

    private static string PagePath()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "LogLine.Api.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("LogLine.Api.sln is in no folder above the tests.");
        }
        return Path.Combine(folder, "docs", "ledger-format.md");
    }
}
