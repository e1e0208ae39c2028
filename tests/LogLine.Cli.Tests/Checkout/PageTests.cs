namespace LogLine.Cli.Tests.Checkout;

/// <summary>Every command in README.md and docs/ is run: here, or, where it is one of the repository's own, by the test or the job that is about it.</summary>
[Collection(CheckoutCollection.Name)]
public sealed class PageTests
{
    // deploy/quickstart: QuickstartTests. tests/run, .ci/run, dotnet build: what runs this test. The rest gets a newcomer to them, or runs this test apart.
    private static readonly string[] RunElsewhere = ["git clone ", "cd ", "deploy/quickstart", "tests/run", ".ci/run", "dotnet build ", "dotnet test ", "dotnet run --project tests/", "dotnet run -c Release --project tests/", "LOGLINE_REWRITE=1 dotnet run --project tests/"];

    // What a test does with files or programs of its own: ConsistencyTests, ReceiptsVerifyTests, WitnessedGatewayTests, SharedKeyRotationTests.
    private static readonly string[] RunByOthers = [
        "logline ledger consistency old.json new.json", "logline receipts verify old.json new.json", "logline receipts verify r.json", "logline receipts get urn:span:… --witnessed", "logline ledger witness --name w1.example",
        "LogLine.Api rotate-key log prepare --data DATA", "LogLine.Api rotate-key log --data DATA", "LogLine.Api rotate-key log finish --data DATA"];

    // What needs images of a registry, a package feed or a cluster. DeployFileTests hold the files to what they name; the benchmark 'startup' publishes.
    private static readonly string[] NeedMore = [
        "docker build ", "docker run ", "docker compose ", "ENGINE_GROUP=", "kubectl apply ", "dotnet publish ", "deploy/make-secrets", "logline init --bootstrap bootstrap.json --url", "logline tokens create --scope runner", "mkdir -p deploy/kubernetes/secrets",
        "LogLine.Api make-keys deploy/kubernetes/", "printf %s '"];

    public static IEnumerable<TheoryDataRow<string>> Pages() => Files().Select(file => new TheoryDataRow<string>(file));

    public static IEnumerable<TheoryDataRow<string>> PagesWithCommands() => Files().Where(file => new Page(file).HasCommands).Select(file => new TheoryDataRow<string>(file));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Commands_AreRunByATest(string path) =>
        Assert.All(new Page(path).CommandsNotRun, line => Assert.True(RunElsewhere.Concat(RunByOthers).Concat(NeedMore).Any(line.StartsWith), $"{path}: nothing runs '{line}': put <!-- run --> before its block"));

    [Theory]
    [MemberData(nameof(PagesWithCommands))]
    public async Task Commands_DoWhatThePageSays(string path)
    {
        if (!File.Exists(Path.Combine(Repository.Root, "src/LogLine.Api/bin/Release/net10.0/LogLine.Api.dll")) || !File.Exists(Path.Combine(Repository.Root, "src/LogLine.Cli/bin/Release/net10.0/logline.dll")))
        {
            Repository.Missing("The pages use the Release build: dotnet build LogLine.Api.sln -c Release");
        }
        var page = new Page(path);
        using var shell = Script.Start(
            new Dictionary<string, string?> { ["CONTAINER_HOST"] = Repository.Engine("podman"), ["DOCKER_HOST"] = Repository.Engine("docker"), ["IMAGE"] = Repository.Image, ["LOGLINE_HOME"] = null },
            "bash", "-c", page.Script());

        Assert.True(await shell.EndAsync() == 0, shell.Said);
        Assert.True(!page.Unkept(shell.Said).Any(), $"{path} promises '{string.Join("', '", page.Unkept(shell.Said))}':\n{shell.Said}");
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Links_LeadToFiles(string path)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Repository.Root, path))!;
        var links = System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(Path.Combine(Repository.Root, path)), @"\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)").Select(match => match.Groups[1].Value);
        Assert.All(links, link => Assert.True(Path.Exists(Path.Combine(folder, link)), $"{path}: {link} is not there"));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void NamedTests_Exist(string path)
    {
        var sources = Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(Path.GetFileNameWithoutExtension).ToHashSet();
        var named = System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(Path.Combine(Repository.Root, path)), "`([A-Z][A-Za-z0-9]*Tests)`").Select(match => match.Groups[1].Value);
        Assert.All(named, name => Assert.True(sources.Contains(name), $"{path}: there is no {name}"));
    }

    private static IEnumerable<string> Files() =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Repository.Root, "README.md"))
            .Select(file => Path.GetRelativePath(Repository.Root, file)).Order(StringComparer.Ordinal);
}
