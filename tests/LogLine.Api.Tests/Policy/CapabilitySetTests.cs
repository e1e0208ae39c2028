using LogLine.Api.Policy;

namespace LogLine.Api.Tests.Policy;

/// <summary>Handing capabilities on narrows them, always.</summary>
public sealed class CapabilitySetTests
{
    private static readonly string[] Names = [.. LinuxCapabilities.All, "ALL", "NO_SUCH", ""];

    [Fact]
    public void Attenuation_YieldsASubset_HoweverLongTheChain()
    {
        var random = new Random(20261121);
        for (var round = 0; round < 2000; round++)
        {
            var set = CapabilitySet.Of(Some(random));
            Assert.DoesNotContain("ALL", set.Names);
            for (var step = 0; step < 5; step++)
            {
                var named = Some(random);
                var narrower = set.Attenuate(named);

                Assert.Subset(set.Names.ToHashSet(), narrower.Names.ToHashSet());
                Assert.Subset(named.ToHashSet(), narrower.Names.ToHashSet());
                Assert.Equal(set.Names.Intersect(named).Order(), narrower.Names.Order());
                Assert.Equal(narrower.Names.Order(), narrower.Attenuate(named).Names.Order());
                Assert.True(set.Holds(narrower.Names));
                set = narrower;
            }
        }
    }

    [Fact]
    public void EveryCapability_IsNearOrFar()
    {
        Assert.Equal(41, LinuxCapabilities.All.Distinct().Count());
        Assert.All(LinuxCapabilities.All, name => Assert.True(LinuxCapabilities.IsKnown(name)));
        Assert.False(LinuxCapabilities.IsKnown("ALL"));
    }

    /// <summary>The classes debug and admin of the design's page on containers, name by name.</summary>
    [Fact]
    public void WhatReachesBeyondTheContainer_NeedsAProof_AndNothingElse() => Assert.Equal(
        [
            "AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "LEASE", "MAC_ADMIN", "MAC_OVERRIDE", "PERFMON", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PACCT",
            "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
        ],
        LinuxCapabilities.All.Where(LinuxCapabilities.NeedsProof).Order(StringComparer.Ordinal));

    private static string[] Some(Random random) => [.. Names.Where(_ => random.Next(2) == 0)];
}
