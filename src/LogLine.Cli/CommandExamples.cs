using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace LogLine.Cli;

/// <summary>
/// What each command looks like in use: shown by its <c>--help</c> and in docs/cli.md, whose blocks are run by a test, one after the other in one shell.
/// </summary>
internal static class CommandExamples
{
    /// <summary>Examples by command.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> All = new Dictionary<string, string[]>
    {
        ["init"] = ["logline init --bootstrap data/bootstrap.json"],
        ["login"] = ["echo \"$TOKEN\" | logline login --url \"$URL\" --token-stdin --profile guest"],
        ["whoami"] = ["logline whoami", "logline whoami --profile guest --json"],
        ["tokens create"] = ["logline tokens create --scope 'deploy.*' --scope read --expires 12h"],
        ["tokens list"] = ["logline tokens list"],
        ["tokens revoke"] = ["logline tokens revoke \"$TOKEN_ID\""],
        ["keys list"] = ["logline keys list"],
        ["keys register"] = ["logline keys register colleague.pem --kid colleague --use sign"],
        ["keys rotate"] = ["logline keys rotate"],
        ["keys revoke"] = ["logline keys revoke colleague --reason 'laptop lost'"],
        ["minicontainer sign"] = ["logline minicontainer sign unsigned.json --out web.json"],
        ["minicontainer verify"] = ["logline minicontainer verify web.json --name web"],
        ["minicontainer show"] = ["logline minicontainer show web.json"],
        ["minicontainer pack"] = ["logline minicontainer pack web.json --out web.llc"],
        ["minicontainer apply"] = ["logline minicontainer apply web.json --dry-run", "logline minicontainer apply web.json"],
        ["minicontainer list"] = ["logline minicontainer list"],
        ["secrets seal"] = ["logline secrets seal password.txt --id secret_db --out secret_db.sealed --manifest sealed.json"],
        ["wallet prove"] = ["logline wallet prove deploy.allow --ttl 5m", "logline wallet prove deploy.allow --deny"],
        ["wallet grant create"] = ["logline wallet grant create secret_db --id db --aud podman --ttl P30D"],
        ["wallet grant revoke"] = ["logline wallet grant revoke db --reason 'no longer needed'"],
        ["deploy plan"] = ["logline deploy plan --target podman:svc=web || [ $? = 2 ]    # 2: something would change"],
        ["deploy up"] = ["logline deploy up --target podman:svc=web --dry-run", "logline deploy up --target podman:svc=web --yes --watch"],
        ["deploy status"] = ["logline deploy status"],
        ["deploy rollback"] = ["logline deploy rollback \"$RUN\" --dry-run", "logline deploy rollback \"$RUN\" --reason 'slow' --yes --wait 30"],
        ["deploy cancel"] = ["logline deploy cancel \"$RUN\" --reason 'not now'"],
        ["deploy stop"] = ["logline deploy stop web --target podman --timeout 1"],
        ["deploy remove"] = ["logline deploy remove web --target podman"],
        ["status"] = ["logline status urn:minicontainer:dev/web", "logline status \"$RUN\"", "logline status \"$RUN\" --watch || true    # 1 when it failed or was cancelled"],
        ["webhooks create"] = ["logline webhooks create https://example.com/hooks --events 'deploy.*' --events 'run_state.*'"],
        ["webhooks list"] = ["logline webhooks list"],
        ["webhooks show"] = ["logline webhooks show \"$WEBHOOK\""],
        ["webhooks deliveries"] = ["logline webhooks deliveries \"$WEBHOOK\" --state dead"],
        ["webhooks replay"] = ["logline webhooks replay \"$WEBHOOK\""],
        ["webhooks rotate"] = ["logline webhooks rotate \"$WEBHOOK\" --overlap 3600"],
        ["webhooks remove"] = ["logline webhooks remove \"$WEBHOOK\""],
        ["artifacts put"] = ["logline artifacts put secret_db.sealed"],
        ["artifacts get"] = ["logline artifacts get \"$HASH\" --out copy.sealed"],
        ["artifacts list"] = ["logline artifacts list"],
        ["artifacts remove"] = ["logline artifacts remove \"$HASH\""],
        ["runs"] = ["logline runs --subject urn:minicontainer:dev/web --limit 5"],
        ["logs"] = ["logline logs \"$RUN\" --tail 20", "logline logs \"$RUN\" --grep ready --json"],
        ["universal"] = [
            "logline universal 'create person Joana Silva, email joana@example.com, country pt, consent yes'",
            "logline universal 'cadastrar pessoa João Sousa, email joao@example.com, país pt, consentimento sim' --apply"],
        ["catalog"] = ["logline catalog container", "logline catalog registry.person.create --example | logline spans send -"],
        ["spans send"] = ["logline catalog dataset.create --example | logline spans send - --dry-run", "logline spans send span.json --idempotency-key order-42"],
        ["spans query"] = ["logline spans query --intent 'registry.*' --since 10m"],
        ["spans tail"] = ["logline spans tail --after 0 --limit 2 --json", "logline spans tail --after 0 --json | head -n 1"],
        ["receipts get"] = ["logline receipts get \"$SPAN\" --out receipt.json"],
        ["receipts verify"] = ["logline receipts verify receipt.json", "logline receipts verify --all"],
        ["completion"] = ["source <(logline completion bash)"],
        ["ledger consistency"] = ["logline ledger consistency 1"],
        ["container create"] = ["logline container create box --image \"$IMAGE\" --with-env GREETING=hello -- /bin/sh -c 'echo ready; sleep 600'"],
        ["container start"] = ["logline container start box"],
        ["container exec"] = ["logline container exec box -- /bin/sh -c 'echo $GREETING'", "echo typed | logline container exec box --stdin - -- cat"],
        ["container logs"] = ["logline container logs box --tail 5"],
        ["container list"] = ["logline container list --state running"],
        ["container inspect"] = ["logline container inspect box --json"],
        ["container stats"] = ["logline container stats box"],
        ["container top"] = ["logline container top box"],
        ["container diff"] = ["logline container diff box"],
        ["container copy-to"] = ["logline container copy-to box --artifact span.json --path /tmp"],
        ["container copy-from"] = ["logline container copy-from box --path /tmp/span.json --out taken/"],
        ["container pause"] = ["logline container pause box"],
        ["container unpause"] = ["logline container unpause box"],
        ["container restart"] = ["logline container restart box --timeout-s 1"],
        ["container kill"] = ["logline container kill box"],
        ["container stop"] = ["logline container stop box --timeout-s 1"],
        ["container remove"] = ["logline container remove box"],
        ["volume create"] = ["logline volume create data"],
        ["volume list"] = ["logline volume list"],
        ["volume remove"] = ["logline volume remove data"],
        ["network list"] = ["logline network list"],
        ["image list"] = ["logline image list"],
        ["system info"] = ["logline system info"],
        ["session create"] = ["logline session create monday --purpose 'a look around'"],
        ["session end"] = ["logline session end monday"],
    };

    /// <summary>Has every <c>--help</c> end in the examples of its command.</summary>
    public static void AddTo(RootCommand root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
    }

    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        /// <summary>Help is for whoever does not know yet what is missing.</summary>
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parse)
        {
            var code = help.Invoke(parse);
            var path = new List<string>();
            for (var at = parse.CommandResult; at is { Command: not RootCommand }; at = at.Parent as System.CommandLine.Parsing.CommandResult)
            {
                path.Insert(0, at.Command.Name);
            }
            if (All.TryGetValue(string.Join(' ', path), out var examples))
            {
                var output = parse.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (var example in examples)
                {
                    output.WriteLine("  " + example);
                }
                output.WriteLine();
            }
            return code;
        }
    }
}
