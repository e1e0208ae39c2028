using System.Text.Json;

namespace LogLine.Api.Ledger.Postgres;

/// <summary>What a batch touched, as it lies beside its checkpoint for other gateways: <c>[["Key","vv","kid_1"],…]</c>.</summary>
internal static class TouchedText
{
    public static string? Write(IReadOnlyList<Touched> touched) =>
        touched.Count == 0 ? null : JsonSerializer.Serialize(touched.Select(one => new[] { one.Kind.ToString(), one.Tenant, one.Id }));

    // A kind that a newer gateway on the same database knows and this one does not is nothing that this one keeps copies of.
    public static IEnumerable<Touched> Read(string text)
    {
        foreach (var one in JsonSerializer.Deserialize<string[][]>(text)!)
        {
            if (Enum.TryParse<TouchedKind>(one[0], out var kind))
            {
                yield return new Touched(kind, one[1], one[2]);
            }
        }
    }
}
