using LogLine.Api.Adapters.Engine;

namespace LogLine.Api.Tests.Adapters.Engine;

/// <summary>Which images a Dockerfile names: all of them, however they are written, or it is not built.</summary>
public sealed class BuildFileTests
{
    [Theory]
    [InlineData("FROM a:1", "a:1")]
    [InlineData("FROM docker:27", "docker:27")]
    [InlineData("from --platform=linux/amd64 a AS one\nFROM one\nCOPY --from=one /x /x\nCOPY --from=0 /x /x", "a")]
    [InlineData("FROM a\nCOPY --from=localhost/other/b /x /x", "a,localhost/other/b")]
    [InlineData("FROM a\nONBUILD COPY --from=b /x /x", "a,b")]
    [InlineData("FROM \\\n  # a comment\n  a", "a")]
    [InlineData("FROM scratch\nADD --from=c x /", "c")]
    [InlineData("# syn is no directive\nFROM a\nRUN echo FROM b", "a")]
    [InlineData("FROM a\nADD x.tar /", "a")]
    [InlineData("# a comment ends with its line \\\nFROM localhost/other/b", "localhost/other/b")]
    [InlineData("# \u2028FROM scratch AS b\nFROM b", "b")]
    [InlineData("FRO\\\nM localhost/other/b", "localhost/other/b")]
    [InlineData("FROM a\\\n:1", "a:1")]
    [InlineData("FROM a\r\nRUN x \\ \r\n\r\n  y\r\nFROM b\r\n", "a,b")]
    [InlineData("FROM a\nRUN x \\\u00a0\nFROM localhost/other/b", "a,localhost/other/b")]
    [InlineData("FROM a\nRUN grep --exclude='x y' z \"a\"", "a")]
    [InlineData("FROM a\nCOPY --chown=1\u00a0--from=localhost/other/b /x /x", "a,localhost/other/b")]
    public void Images_AreFound(string text, string images) => Assert.Equal((images, (string?)null), (string.Join(',', BuildFile.Read(text, false).Images), BuildFile.Read(text, false).Problem));

    [Theory]
    [InlineData("ARG A=local\nFROM ${A}host/other/b")]
    [InlineData("ARG A\nFROM $A")]
    [InlineData("FROM \"a\"")]
    [InlineData("FROM containers-storage:0123456789ab")]
    [InlineData("FROM a\nCOPY --from=dir:tmp /x /")]
    [InlineData("# syntax=docker/dockerfile:1\nFROM a")]
    [InlineData("# x\n#escape=`\nFROM a")]
    [InlineData("FROM a\nRUN --mount=type=bind,from=localhost/other/b cat /x")]
    [InlineData("FROM a\nRUN --network=host wget x")]
    [InlineData("FROM a\nRUN <<EOF\nFROM b\nEOF")]
    [InlineData("FROM a\nADD http://10.0.0.1/x /")]
    [InlineData("FROM a\nADD [\"http://10.0.0.1/x\", \"/\"]")]
    [InlineData("FROM a\nARG U\nADD $U /")]
    [InlineData("FROM a\nONBUILD ADD https://x/y /")]
    [InlineData("FROM a\nCOPY --from=$B /x /")]
    [InlineData("FROM a\nCOPY --fr\"o\"m=localhost/other/b /x /x")]
    [InlineData("FROM a\nCOPY --fr\\om=localhost/other/b /x /x")]
    [InlineData("FROM a\nONBUILD COPY --fr'o'm=localhost/other/b /x /x")]
    [InlineData("FROM a\nRUN --mo'unt'=type=bind,from=localhost/other/b cat /x")]
    [InlineData("FROM a\nRUN 3<<EOF\nFROM scratch AS b\nEOF\nFROM b")]
    [InlineData("FROM a\nRUN x \\\\\nFROM localhost/other/b")]
    [InlineData("# \rFROM scratch AS b\nFROM b")]
    [InlineData("FROM scratch AS localhost/other/b\nFROM localhost/other/b")]
    [InlineData("#\fescape=`\nFROM a")]
    [InlineData("\u00a0# escape=`\nFROM a")]
    [InlineData("// syntax=other/frontend\nFROM a")]
    [InlineData("{\"syntax\":\"other/frontend\"}")]
    [InlineData("FROM")]
    [InlineData("FROM other/b:1")]
    [InlineData("FROM a\nCOPY --from=other/b /x /x")]
    public void WhatReachesPast_IsRefused(string text) => Assert.NotNull(BuildFile.Read(text, false).Problem);

    [Fact]
    public void AddOfAUrl_NeedsTheNetwork() => Assert.Null(BuildFile.Read("FROM a\nADD http://x/y /", true).Problem);
}
