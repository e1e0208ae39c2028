using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Delivery;

/// <summary><c>GET /v1/ledger/consistency</c>.</summary>
public sealed class ConsistencyTests
{
    [Fact]
    public async Task ProofBetweenAnyTwoSizes_HoldsForReceiptsOfThem()
    {
        await using var gateway = await TestGateway.StartAsync();
        var receipts = new List<Receipt>();
        for (var i = 0; i < 9; i++)
        {
            Assert.Null(Receipt.TryRead((await gateway.PostAsync(GatewayActs.Person("p" + i))).Json, out var receipt));
            receipts.Add(receipt);
        }
        byte[][] keys = [Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey)];
        for (var older = 0; older < receipts.Count; older++)
        {
            for (var newer = older; newer < receipts.Count; newer++)
            {
                var proof = await ProofAsync(gateway, $"?from={receipts[older].TreeSize}&to={receipts[newer].TreeSize}");
                Assert.Null(proof.Between(receipts[older], receipts[newer]).Fault);
                Assert.All(proof.Steps(keys), step => Assert.Null(step.Fault));
                Assert.Equal(3, proof.Steps(keys).Count);
                // A proof is for its two sizes and roots alone.
                Assert.NotNull(proof.Between(receipts[older], receipts[(newer + 1) % receipts.Count]).Fault);
                Assert.NotNull((proof with { Origin = "log.example/other" }).Between(receipts[older], receipts[newer]).Fault);
            }
        }
    }

    [Fact]
    public async Task WithoutTo_ItLeadsToTheNewest_AndASizeInsideABatchHasNoCheckpoint()
    {
        await using var gateway = await TestGateway.StartAsync();
        await gateway.PostAsync("[" + string.Join(',', Enumerable.Range(0, 7).Select(i => GatewayActs.Person("p" + i))) + "]");

        Assert.Equal((1, 7), await ProofAsync(gateway, "") is { } whole ? (whole.From, whole.To) : default);
        var proof = await ProofAsync(gateway, "?from=3");

        Assert.Equal((3, 7, null, gateway.Ledger.Checkpoint), (proof.From, proof.To, proof.OlderCheckpoint, proof.NewerCheckpoint));
        Assert.Contains("no batch ended at 3", Assert.Single(proof.Steps([Convert.FromHexString(gateway.Ledger.Identity.LogPublicKey)])).Fault);
    }

    [Theory]
    [InlineData("?from=", "/from")]
    [InlineData("?from=0", "/from")]
    [InlineData("?from=3&to=2", "/from")]
    [InlineData("?from=-1", "/from")]
    [InlineData("?from=1.5", "/from")]
    [InlineData("?from=1&from=2", "/from")]
    [InlineData("?from=99999999999999999999", "/from")]
    [InlineData("?from=1&to=4", "/to")]
    [InlineData("?from=1&to=", "/to")]
    [InlineData("?from=1&until=2", "/until")]
    public async Task BadInput_IsNamed(string query, string path)
    {
        await using var gateway = await TestGateway.StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await gateway.PostAsync(GatewayActs.Person("p" + i));
        }
        Assert.Equal((path, "query"), (await gateway.GetAsync("/v1/ledger/consistency" + query)).Error());
    }

    [Fact]
    public async Task TwoBadInputs_AreBothNamed_AndAnEmptyLogHasNoProof()
    {
        await using var gateway = await TestGateway.StartAsync();
        Assert.Equal("404_NOT_FOUND", (await gateway.GetAsync("/v1/ledger/consistency")).Code);
        await gateway.PostAsync(GatewayActs.Person());
        var answer = await gateway.GetAsync("/v1/ledger/consistency?from=x&to=y");
        Assert.Equal(["/from", "/to"], answer.Json.Items("errors").Select(error => error.Text("path")));
    }

    private static async Task<LogConsistency> ProofAsync(TestGateway gateway, string query)
    {
        Assert.Null(LogConsistency.TryRead((await gateway.GetAsync("/v1/ledger/consistency" + query)).Json, out var proof));
        return proof;
    }
}
