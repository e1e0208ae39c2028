using System.Net;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.Spans;

namespace LogLine.Api.Tests.Gate;

/// <summary>Keys and proofs against models of section 6 of the contract: whatever is done in whatever order, the gateway and the model agree on each step.</summary>
public sealed class WalletLawTests
{
    private const int Steps = 14;

    [Fact]
    public async Task Deploys_AreLetThroughExactlyWhenTheModelHasAProof()
    {
        await Laws.HoldAsync(12, async random =>
        {
            var time = new ManualTime();
            await using var gateway = await (await TestGateway.StartAsync([new FakeAdapter()], time)).RegisterKeyAsync();
            var reference = await gateway.ApplyAsync("web");
            var proofs = new List<ModelProof>();
            for (var step = 0; step < Steps; step++)
            {
                var service = random.Of("a", "b");
                var env = random.Of("dev", "prd");
                switch (random.Next(6))
                {
                    case 0 or 1 or 2:
                        var proof = new ModelProof(random.Next(4) > 0, random.Of(null, null, "dev", "prd"), random.Of(null, null, reference, Other), random.Of(null, null, "a", "b"), time.GetUtcNow().AddMinutes(random.Of(1, 3, 5)).AddMilliseconds(7 * step));
                        Assert.Equal(HttpStatusCode.OK, (await gateway.ProveAsync("web", proof.Into)).Status);
                        proofs.RemoveAll(earlier => !proof.Allow && earlier.Overlaps(proof));
                        proofs.Add(proof);
                        break;
                    case 3:
                        time.Advance(TimeSpan.FromSeconds(random.Of(30, 60, 150)));
                        break;
                    default:
                        var used = proofs.Where(known => known.Allow && known.Exp > time.GetUtcNow() && known.Covers(env, reference, service)).MinBy(known => known.Exp);
                        var answer = await gateway.PostAsync(TestGateway.Deploy(reference, service: service), request => request.Set("X-Env", env));
                        Assert.Equal(used is null ? "428_PROOF_REQUIRED" : null, answer.Code);
                        proofs.Remove(used!);
                        break;
                }
            }
        });
    }

    [Fact]
    public async Task Keys_SignExactlyWhileTheModelSaysThatTheyAreActive()
    {
        string[] kids = ["kid_a", "kid_b", "kid_c", "kid_d"];
        await Laws.HoldAsync(12, async random =>
        {
            await using var gateway = await TestGateway.StartAsync();
            var keys = new Dictionary<string, (SigningKey Key, bool IsActive)>();
            for (var step = 0; step < Steps; step++)
            {
                var (kid, other, fresh) = (random.Of(kids), random.Of(kids), SigningKey.Generate());
                var known = keys.TryGetValue(kid, out var entry);
                switch (random.Next(4))
                {
                    case 0:
                        Assert.Equal(known ? "422_SCHEMA_INVALID" : null, (await gateway.PostAsync(TestGateway.KeyRegistration(kid, fresh, "sign", "admin"))).Code);
                        keys.TryAdd(kid, (fresh, true));
                        break;
                    case 1:
                        Assert.Equal(known ? null : "404_NOT_FOUND", (await gateway.PostAsync(BadInputTests.Revoke(kid))).Code);
                        if (known)
                        {
                            keys[kid] = (entry.Key, false);
                        }
                        break;
                    case 2:
                        var rotation = gateway.Sign("wallet.key.rotate", "decision", "urn:wallet:dev", Rotation(kid, other, fresh), entry.Key ?? fresh, kid);
                        var expected = !entry.IsActive ? "422_SIGNATURE_INVALID" : keys.ContainsKey(other) ? "422_SCHEMA_INVALID" : null;
                        Assert.Equal(expected, (await gateway.PostAsync(BadInputTests.Text(rotation))).Code);
                        if (expected is null)
                        {
                            (keys[kid], keys[other]) = ((entry.Key!, false), (fresh, true));
                        }
                        break;
                    default:
                        var span = BadInputTests.SignedPerson(gateway, entry.Key ?? fresh, kid);
                        Assert.Equal(entry.IsActive ? null : "422_SIGNATURE_INVALID", (await gateway.PostAsync(BadInputTests.Text(span))).Code);
                        break;
                }
            }
        });
    }

    private static readonly string Other = "mc:dev/web@blake3:" + new string('a', 64);

    private static string Rotation(string kid, string newKid, SigningKey next) => TestGateway.Json(new
    {
        kind = "wallet/key_rotation.v1",
        old_kid = kid,
        new_kid = newKid,
        new_pub = next.PublicKeyHex,
        pop = Possession.Sign(next, TestGateway.Tenant, newKid, next.PublicKeyHex, ["sign", "admin"]),
    });

    /// <summary>A proof as the contract sees it: what it names it is bound to, what it leaves open is any.</summary>
    private sealed record ModelProof(bool Allow, string? Env, string? Ref, string? Service, DateTimeOffset Exp)
    {
        public ProofDraft Into(ProofDraft draft) => draft with
        {
            Allow = Allow, Env = Env, Ref = Ref, Exp = Exp, Target = Service is null ? null : CanonicalJson.Parse($$"""{"provider":"fake","service":"{{Service}}"}"""),
        };

        public bool Covers(string env, string reference, string service) => IsOpenOr(Env, env) && IsOpenOr(Ref, reference) && IsOpenOr(Service, service);

        public bool Overlaps(ModelProof deny) => Meet(Env, deny.Env) && Meet(Ref, deny.Ref) && Meet(Service, deny.Service);

        private static bool IsOpenOr(string? bound, string value) => bound is null || bound == value;

        private static bool Meet(string? one, string? other) => one is null || other is null || one == other;
    }
}
