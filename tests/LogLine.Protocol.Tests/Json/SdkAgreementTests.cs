using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

/// <summary>
/// The TypeScript SDK computes the same canonical bytes, hashes and signatures: on 100,000 random documents, half of them made here and spelt anew, half of
/// them made there. tests/run builds the SDK.
/// </summary>
public sealed class SdkAgreementTests : IDisposable
{
    private const int Documents = 50_000;
    private const int SignEvery = 50;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("logline-sdk-");
    private readonly SigningKey _key = SigningKey.FromSeed([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);

    public void Dispose()
    {
        _key.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task DocumentsMadeHere_HaveTheSameBytesHashesAndSignaturesThere()
    {
        var made = Enumerable.Range(0, Documents).Select(seed => new Random(seed)).Select(random => (Text: RandomDocuments.Next(random), Random: random)).ToList();
        await File.WriteAllLinesAsync(At("documents"), made.Select(one => OneLine(RandomDocuments.Respelled(JsonNode.Parse(one.Text), one.Random))), TestContext.Current.CancellationToken);

        await NodeAsync("read", At("documents"), At("answers"));

        var answers = await File.ReadAllLinesAsync(At("answers"), TestContext.Current.CancellationToken);
        Assert.Equal(Documents, answers.Length);
        for (var i = 0; i < Documents; i++)
        {
            Assert.True(Answer(i, CanonicalJson.Parse(made[i].Text)) == answers[i], $"seed {i}: {made[i].Text}: there {answers[i]}");
        }
    }

    [Fact]
    public async Task DocumentsMadeThere_HaveTheSameBytesHashesAndSignaturesHere()
    {
        await NodeAsync("make", $"{Documents}", At("documents"), At("answers"));

        var documents = await File.ReadAllLinesAsync(At("documents"), TestContext.Current.CancellationToken);
        var answers = await File.ReadAllLinesAsync(At("answers"), TestContext.Current.CancellationToken);
        Assert.Equal(Documents, documents.Length);
        for (var i = 0; i < Documents; i++)
        {
            Assert.True(Answer(i, CanonicalJson.Parse(documents[i])) == answers[i], $"document {i}: {documents[i]}: there {answers[i]}");
        }
    }

    /// <summary>What both sides say of a document: its bytes, their hash, and for some the signature, which is deterministic.</summary>
    private string Answer(int i, CanonicalJson document) =>
        $"{Convert.ToBase64String(document.Utf8.Span)} {ContentHash.Of(document.Utf8.Span)}"
        + (i % SignEvery == 0 ? " " + Convert.ToBase64String(DomainSignature.Sign(_key, SignatureKind.Span, document.Utf8.Span)) : "");

    // A line break can stand between tokens only, where a space says the same.
    private static string OneLine(string json) => json.Replace('\n', ' ').Replace('\r', ' ');

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private static async Task NodeAsync(params string[] arguments)
    {
        var sdk = Path.Combine(Root(), "src", "logline-sdk");
        if (!File.Exists(Path.Combine(sdk, "dist", "index.js")))
        {
            throw Prerequisite.Missing("the TypeScript SDK; tests/run builds it");
        }
        try
        {
            using var process = Process.Start(new ProcessStartInfo("node", ["test/exchange.mjs", $"{SignEvery}", .. arguments]) { WorkingDirectory = sdk, RedirectStandardError = true })!;
            var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, said);
        }
        catch (Win32Exception)
        {
            throw Prerequisite.Missing("the program node");
        }
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "LogLine.Api.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("LogLine.Api.sln is in no folder above the tests.");
        }
        return folder;
    }
}
