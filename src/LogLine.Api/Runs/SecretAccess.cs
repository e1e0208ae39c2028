namespace LogLine.Api.Runs;

/// <summary>
/// Code inside a container sees its secrets, so whoever gets into one that holds grants, or takes something out of it, needs a proof (contract, section 6). Asked by the gate, and again
/// by the worker, since another container may have the name by then.
/// </summary>
public static class SecretAccess
{
    /// <summary>What the proof is for.</summary>
    public const string ProofIntent = "secret.access";

    /// <summary>True when this effect on a container with grants needs the proof.</summary>
    public static bool IsBy(string? effect) => effect is "container.exec" or "container.copy_from" or "container.commit";
}
