namespace LogLine.Protocol.Tests;

/// <summary>What a machine may lack: the test that needs it is skipped by name; where <c>LOGLINE_REQUIRE_ALL=1</c> it fails.</summary>
internal static class Prerequisite
{
    /// <summary>Ends the test. It never returns; the result is there so that a caller can write <c>throw</c>.</summary>
    public static Exception Missing(string what)
    {
        if (Environment.GetEnvironmentVariable("LOGLINE_REQUIRE_ALL") == "1")
        {
            Assert.Fail($"Missing, and LOGLINE_REQUIRE_ALL=1: {what}.");
        }
        Assert.Skip($"Missing: {what}.");
        return new InvalidOperationException();
    }
}
