using System.Collections.Frozen;

namespace LogLine.Api.Policy;

/// <summary>
/// Capabilities that somebody may give. Whoever hands them on can only narrow them: there is no way from a set to a larger one, so what the operator allows, a
/// proof names and an order adds is at each step a subset of the step before.
/// </summary>
public sealed class CapabilitySet
{
    private readonly FrozenSet<string> _names;

    private CapabilitySet(IEnumerable<string> names) => _names = names.ToFrozenSet();

    /// <summary>Where a chain begins: what the operator allows.</summary>
    public static CapabilitySet Of(IEnumerable<string> names) => new(names.Where(LinuxCapabilities.IsKnown));

    /// <summary>The names in it.</summary>
    public IReadOnlyCollection<string> Names => _names;

    /// <summary>What is left when it is handed on as <paramref name="named"/>: never more than there was.</summary>
    public CapabilitySet Attenuate(IEnumerable<string> named) => new(named.Where(_names.Contains));

    /// <summary>True when all of them are in it.</summary>
    public bool Holds(IEnumerable<string> wanted) => wanted.All(_names.Contains);
}
