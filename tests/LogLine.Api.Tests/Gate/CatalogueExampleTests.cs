using System.Collections.Frozen;
using System.Text.Json;
using LogLine.Api.Adapters.Engine;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Gate;

/// <summary>The examples of <c>GET /v1/catalog</c> are sent as they are: each is accepted, or refused for the one thing that an example cannot have.</summary>
public sealed class CatalogueExampleTests
{
    // These take from the tenant what the others need.
    private static readonly string?[] Last = ["wallet.key.revoke", "tenant.policy.set"];

    private static readonly FrozenSet<string> Records = FrozenSet.ToFrozenSet(["agent", "dataset", "law", "registry", "quota", "tenant"]);

    /// <summary>"ok", or the code for what an example cannot have: a signature of the reader's own key, a thing that the tenant does not have yet, an engine that is up.</summary>
    private static string Expected(string intent) => intent switch
    {
        "minicontainer.apply" or "wallet.proof.submit" or "wallet.grant.create" or "wallet.key.register" or "wallet.key.rotate" => "422_SIGNATURE_INVALID",
        "minicontainer.verify" or "run.cancel" or "wallet.grant.revoke" or "deploy.apply" or "deploy.plan" or "deploy.rollback" => "404_NOT_FOUND",
        "span.erase" => "403_FORBIDDEN", // it is signed by an admin key
        "wallet.key.revoke" => "ok",
        "container.copy_to" or "image.build" or "image.load" => "422_SCHEMA_INVALID", // an artifact that was not uploaded
        "session.create" or "task.create" => "ok",
        "image.push" => "403_POLICY_DENIED", // nowhere, unless the operator says so
        _ when Records.Contains(intent.Split('.')[0]) => "ok",
        _ => "503_ADAPTER_UNAVAILABLE",
    };

    [Fact]
    public async Task Example_IsAccepted_ButForWhatItCannotHave()
    {
        using var absent = new EngineAdapter(EngineEndpoints.At("podman", "unix:///no/such/engine.sock"), TimeProvider.System);
        await using var gateway = await (await TestGateway.StartAsync([absent])).RegisterKeyAsync();
        var wrong = new List<string>();
        foreach (var intent in (await gateway.GetAsync("/v1/catalog")).Json.Items("items").Where(intent => intent.Text("sender") == "client").OrderBy(intent => Array.IndexOf(Last, intent.Text("intent"))))
        {
            var name = intent.Text("intent")!;
            if (intent.Member("example") is not { ValueKind: JsonValueKind.Object } example)
            {
                wrong.Add($"{name}: schemas/intents/{name}.schema.json has no 'examples'");
                continue;
            }
            var answer = await gateway.PostAsync(example.GetRawText());
            if ((answer.Code ?? "ok") != Expected(name))
            {
                wrong.Add($"{name}: {answer.Body}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }
}
