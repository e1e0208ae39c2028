using LogLine.Protocol.Merkle;

namespace LogLine.Api.Delivery.Witnesses;

/// <summary>Whom the gateway asks for cosignatures: section <c>LogLine:Witnesses</c>; nobody by default.</summary>
public sealed class WitnessOptions
{
    /// <summary>The witnesses.</summary>
    public IList<WitnessEndpoint> List { get; set; } = [];

    /// <summary>
    /// How many of them have to cosign a checkpoint before <c>/tlog/checkpoint</c> shows it. 0 shows the log's newest at once, cosigned or not.
    /// </summary>
    public int Quorum { get; set; }

    /// <summary>Least time between two checkpoints that are sent to witnesses.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long one witness is waited for.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The witnesses, read.</summary>
    /// <exception cref="WitnessOptionsException">Something is wrong with them; the message says what and where.</exception>
    internal IReadOnlyList<WitnessState> Read()
    {
        var witnesses = new List<WitnessState>();
        foreach (var endpoint in List)
        {
            var at = $"LogLine:Witnesses:List:{witnesses.Count}";
            if (!Cosignature.TryParseVerifierKey(endpoint.Key, out var name, out var key))
            {
                throw new WitnessOptionsException($"{at}:Key is '{endpoint.Key}'; it must be a witness's verifier key, name+id+key of type 4, as 'logline ledger witness' shows it.");
            }
            if (!Uri.TryCreate(endpoint.Url.TrimEnd('/') + "/add-checkpoint", UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            {
                throw new WitnessOptionsException($"{at}:Url is '{endpoint.Url}'; it must be the http or https URL before /add-checkpoint.");
            }
            if (witnesses.Exists(other => other.PublicKey.AsSpan().SequenceEqual(key)))
            {
                throw new WitnessOptionsException($"{at}:Key is there twice: one witness counts once.");
            }
            witnesses.Add(new WitnessState(name, key, url));
        }
        return Quorum >= 0 && Quorum <= witnesses.Count
            ? witnesses
            : throw new WitnessOptionsException($"LogLine:Witnesses:Quorum is {Quorum}; there are {witnesses.Count} witnesses.");
    }
}

/// <summary>One witness in the configuration.</summary>
public sealed class WitnessEndpoint
{
    /// <summary>Its verifier key: <c>name+id+key</c>.</summary>
    public string Key { get; set; } = "";

    /// <summary>Its submission prefix: what stands before <c>/add-checkpoint</c>.</summary>
    public string Url { get; set; } = "";
}

/// <summary>The configuration names no witnesses that could be asked.</summary>
public sealed class WitnessOptionsException(string message) : Exception(message);
