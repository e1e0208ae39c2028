using System.CommandLine;
using System.Text;
using LogLine.Cli.Commands;

namespace LogLine.Cli.Tests.Checkout;

/// <summary>docs/cli.md is made of the commands themselves and their examples; LOGLINE_REWRITE=1 writes it anew. <see cref="PageTests"/> runs the examples.</summary>
public sealed class CliPageTests
{
    private const string Beginning =
        """
        # The command line

        <!-- Made of the commands and of src/LogLine.Cli/CommandExamples.cs. To write it anew:
             LOGLINE_REWRITE=1 dotnet run --project tests/LogLine.Cli.Tests -- -class "*CliPageTests" -->

        Every command of `logline`, as `--help` has it. The examples are run by a test in the order of this page, in one shell.

        - **Settings** come from flags, then the environment (`LOGLINE_URL`, `LOGLINE_TOKEN`, `LOGLINE_TENANT`, `LOGLINE_PROFILE`, `LOGLINE_TARGET`), then the profile in `~/.logline/config.json` (`LOGLINE_HOME` names another
          folder), then what a command says in brackets. Tokens and keys lie in files of mode 0600.
        - **Exit codes**: 0 done, 1 refused or failed, 2 the command line was wrong, 130 Ctrl-C, which says how to go on, 141 nobody reads the output any more (`| head`). `deploy plan`: 0 nothing would change, 2 something would, 1 error. `container exec`: that of the command.
        - **Output**: results go to standard output, everything else to standard error. With `--json` a result is one JSON document, one a line while watching; a failure is `{"error":{"code","message","next","trace_id","answer"}}`.
          How far a run is that is waited for stands on standard error: at a terminal in one line, which goes when the result comes; elsewhere in a few lines.
        - **Nothing is sent twice by accident**: a lost answer is asked for again under the same idempotency key, and a conflict is never sent again under another one. A `428` offers to prove: it asks on a terminal, and needs
          `--yes` elsewhere.

        The examples need a running gateway and Podman, and begin so:

        <!-- run -->
        ```bash
        WORK=$(mktemp -d)
        CLI=$PWD/src/LogLine.Cli/bin/Release/net10.0/logline.dll
        logline() { dotnet "$CLI" "$@"; }
        export LOGLINE_HOME=$WORK/home LOGLINE_TARGET=podman
        GATEWAY=$PWD/src/LogLine.Api/bin/Release/net10.0/LogLine.Api.dll
        cd "$WORK"
        dotnet "$GATEWAY" --data data --urls http://127.0.0.1:0 >gateway.log &
        until [ -f data/bootstrap.json ]; do sleep 0.1; done
        URL=$(sed -n 's/.*"base_url": *"\([^"]*\)".*/\1/p' data/bootstrap.json)
        TOKEN=$(sed -n 's/.*"api_key": *"\([^"]*\)".*/\1/p' data/bootstrap.json)
        cat >unsigned.json <<JSON
        { "type": "ll.minicontainer.v1", "version": "1.0.0", "owner": { "user_id": "usr_1", "tenant": "dev" },
          "deploy": { "engine": "container", "image": "${IMAGE:=docker.io/library/busybox:stable}", "entrypoint": ["/bin/sh", "-c", "echo ready; sleep 600"] },
          "ts": "2025-11-17T13:37:00Z" }
        JSON
        ```

        """;

    private const string End =
        """

        ## Afterwards

        <!-- run -->
        ```bash
        logline deploy stop web --target podman --timeout 1
        logline deploy remove web --target podman
        kill %1; wait %1 || true
        cd / && rm -r "$WORK"
        ```

        ## As a single file

        ReadyToRun makes a file that needs no .NET on the machine where it runs (Linux: libsodium and ICU have to be there):

        ```
        dotnet publish src/LogLine.Cli -c Release -r linux-x64 --self-contained -p:PublishSingleFile=true -p:PublishReadyToRun=true -o out
        ```

        `dotnet run -c Release --project tests/LogLine.Benchmarks -- startup` publishes it so and measures `logline --help` (169 MiB, about 80 ms on two cores: [benchmarks.md](benchmarks.md)). Native AOT is not
        there: the .NET 10 SDK takes its run-time from the package `Microsoft.NETCore.App.Runtime.NativeAOT.<rid>`, which the feed that this is built on does not have (NU1101), and `ledger import --postgres` brings EF Core along, which
        makes code while it runs. The code of the commands passes the analysers for it (`IsAotCompatible`).

        """;

    // What the examples of a command take for granted; on the page, not in the help.
    private static readonly Dictionary<string, string[]> Before = new()
    {
        ["tokens revoke"] = ["TOKEN_ID=$(logline tokens create --scope read --json | grep -o 'tok_[0-9a-f]*' | head -n 1)"],
        ["secrets seal"] = ["echo hunter2 >password.txt", "cp unsigned.json sealed.json"],
        ["deploy rollback"] =
        [
            "sed 's/1\\.0\\.0/1.1.0/' unsigned.json >next.json", "logline minicontainer apply next.json --name web", "logline deploy up --target podman:svc=web --yes --wait 30",
            "RUN=$(logline runs --subject urn:minicontainer:dev/web --json | grep -o 'run_[0-9a-f]\\{32\\}' | head -n 1)",
        ],
        ["deploy cancel"] = ["RUN=$(logline runs --subject urn:minicontainer:dev/web --json | grep -o 'run_[0-9a-f]\\{32\\}' | head -n 1)"],
        ["deploy stop"] = ["logline deploy up --target podman:svc=web --yes --wait 30"],
        ["logs"] = ["logline deploy up --target podman:svc=web --yes --wait 30", "RUN=$(logline runs --subject urn:minicontainer:dev/web --json | grep -o 'run_[0-9a-f]\\{32\\}' | head -n 1)"],
        ["webhooks show"] = ["WEBHOOK=$(logline webhooks list --json | grep -o 'wh_[0-9a-f]*' | head -n 1)"],
        ["container stop"] = ["logline container start box"],
        ["artifacts get"] = ["HASH=$(logline artifacts put secret_db.sealed --json | grep -o 'blake3:[0-9a-f]*' | head -n 1)"],
        ["spans send"] = ["logline catalog dataset.create --example >span.json"],
        ["receipts get"] = ["SPAN=$(logline spans query --intent 'registry.*' --json | grep -o 'urn:span:[0-9a-f-]*' | head -n 1)"],
    };

    [Fact]
    public async Task Page_IsWhatTheCommandsSay()
    {
        var file = Path.Combine(Repository.Root, "docs/cli.md");
        var page = Compose();
        if (Environment.GetEnvironmentVariable("LOGLINE_REWRITE") == "1")
        {
            await File.WriteAllTextAsync(file, page, TestContext.Current.CancellationToken);
        }
        Assert.Equal(page, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Examples_AreAboutCommandsThatThereAre()
    {
        var leaves = Leaves(Root()).Select(leaf => leaf.Path).ToHashSet();
        Assert.Equal([], CommandExamples.All.Keys.Except(leaves));
        Assert.Equal([], Before.Keys.Except(CommandExamples.All.Keys));
        Assert.All(CommandExamples.All, examples => Assert.All(examples.Value, example => Assert.Contains("logline " + examples.Key, example, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Help_EndsInExamples()
    {
        using var terminal = new Terminal();
        Assert.Contains("Examples:\n  " + CommandExamples.All["deploy stop"][0], (await terminal.RunAsync("deploy", "stop", "--help")).Expect(0).Output);
        Assert.DoesNotContain("Examples:", (await terminal.RunAsync("deploy", "--help")).Expect(0).Output);
    }

    private static string Compose()
    {
        var page = new StringBuilder(Beginning);
        var root = Root();
        page.Append("## Options of every command\n\n");
        Options(page, root.Options);
        var families = CommandExamples.All.Keys.Select(path => path.Split(' ')[0]).Distinct().ToList();
        foreach (var branch in root.Subcommands.OrderBy(command => families.IndexOf(command.Name) is >= 0 and var at ? at : int.MaxValue).ThenBy(command => command.Name, StringComparer.Ordinal))
        {
            page.Append("\n## logline ").Append(branch.Name).Append("\n\n").Append(branch.Description).Append('\n');
            InUse(page, branch.Name);
            foreach (var (path, command) in Leaves(branch, branch.Name))
            {
                Reference(page, path, command, isBranch: branch.Subcommands.Count > 0);
            }
        }
        return page.Append(End).ToString();
    }

    private static void InUse(StringBuilder page, string family)
    {
        var examples = CommandExamples.All.Where(example => example.Key.Split(' ')[0] == family).ToList();
        if (examples.Count > 0)
        {
            page.Append("\n<!-- run -->\n```bash\n");
            foreach (var line in examples.SelectMany(example => Before.GetValueOrDefault(example.Key, []).Concat(example.Value)))
            {
                page.Append(line).Append('\n');
            }
            page.Append("```\n");
        }
    }

    private static void Reference(StringBuilder page, string path, Command command, bool isBranch)
    {
        if (isBranch)
        {
            page.Append("\n### logline ").Append(path).Append("\n\n").Append(command.Description).Append('\n');
        }
        if (command.Arguments.Count > 0 || command.Options.Count > 0)
        {
            page.Append('\n');
        }
        foreach (var argument in command.Arguments)
        {
            page.Append("- `<").Append(argument.Name).Append(">` ").Append(Text(argument.Description)).Append('\n');
        }
        Options(page, command.Options);
    }

    private static void Options(StringBuilder page, IEnumerable<Option> options)
    {
        foreach (var option in options.Where(option => option is not (System.CommandLine.Help.HelpOption or VersionOption)))
        {
            var names = string.Join(", ", option.Aliases.Append(option.Name).Order(StringComparer.Ordinal).Distinct());
            page.Append("- `").Append(names).Append(option.HelpName is { } value && option.ValueType != typeof(bool) ? $" <{value}>" : "").Append('`').Append(option.Required ? " (required)" : "")
                .Append(' ').Append(Text(option.Description)).Append('\n');
        }
    }

    private static string Text(string? description) => (description ?? "").Replace("<", "&lt;", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal).TrimEnd();

    private static IEnumerable<(string Path, Command Command)> Leaves(Command command, string path = "") => command.Subcommands.Count == 0
        ? [(path, command)]
        : command.Subcommands.SelectMany(inner => Leaves(inner, path.Length == 0 ? inner.Name : $"{path} {inner.Name}"));

    private static RootCommand Root() => Contents.Root(new Shell { Input = Stream.Null, Output = TextWriter.Null, Errors = TextWriter.Null, Variable = _ => null });
}
