using System.Diagnostics;
using System.Text;
using System.Text.Json;
using LogLine.Api.Tests.Hosting;
using LogLine.Protocol.Json;

namespace LogLine.Api.Tests.Primitives;

/// <summary>Commands in containers: what goes in comes out as it was, within bounds, whatever the exit code.</summary>
public sealed class ExecPrimitiveTests
{
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task Command_AnswersWithCodeAndBothOutputs(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();

        var since = Stopwatch.GetTimestamp();
        var result = await lab.HeardAsync(name, """{"argv":["/bin/sh","-c","echo out; echo err >&2; exit 7"]}""");
        var took = Stopwatch.GetElapsedTime(since);

        Assert.Equal((7, "out\n", "err\n"), (result.Integer("exit_code"), result.Text("stdout"), result.Text("stderr")));
        Assert.Equal((false, false), (result.Flag("timed_out"), result.Flag("truncated")));
        Assert.InRange(result.Integer("duration_ms")!.Value, 0, (long)took.TotalMilliseconds + 1);
    }

    /// <summary>The largest that Linux hands to a process arrives; a command line has a bound of its own, and says so.</summary>
    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task LargestVariable_Arrives_OrIsRefused(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        const int Most = 131_072 - 1;
        var value = string.Concat(Enumerable.Repeat("\U0001F600", 32_767));
        var variable = new string('n', Most - (4 * 32_767) - 1);
        var env = $$"""{"{{variable}}":"{{value}}"}""";

        var answer = await lab.SendAsync("container.exec", name, $$"""{"argv":["/bin/sh","-c","printf %s \"${{variable}}\" | wc -c"],"env":{{env}}}""");

        Assert.Equal(provider == "nerdctl" ? "refused_by_engine" : $"{4 * 32_767}\n", answer.Json.Member("result").Text(provider == "nerdctl" ? "reason" : "stdout"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ArgumentsEnvInputFolderAndUser_ReachTheCommandUnchanged(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        string[] odd = ["", " a  b ", "$HOME", "`id`", "*", "-rf", "--", "a\nb", "\t", "\\", "'\"'", "ç€😀", "\u0001", "a=b", ";", "&&"];

        var echoed = await lab.SaidAsync(name, ["/bin/printf", "%s\\0", .. odd]);
        var rest = await lab.HeardAsync(name, $$"""
            {"argv":["/bin/sh","-c","said=$(cat; echo; echo \"$A\"; pwd; id -u); echo \"$said\""],"env":{"A":"x y=z"},"workdir":"/home","user":"1000","stdin_b64":"{{Convert.ToBase64String(Encoding.UTF8.GetBytes("linha 1\nlinha 2"))}}"}
            """);

        Assert.Equal(odd, echoed.TrimEnd('\0').Split('\0'));
        Assert.Equal("linha 1\nlinha 2\nx y=z\n/home\n1000\n", rest.Text("stdout"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task LargeInput_ArrivesWholeAndEnds(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var input = new byte[300_000];
        new Random(20261121).NextBytes(input);

        var result = await lab.HeardAsync(name, $$"""{"argv":["/bin/wc","-c"],"stdin_b64":"{{Convert.ToBase64String(input)}}"}""");
        var unread = await lab.DoAsync("container.exec", name, $$"""{"argv":["/bin/true"],"stdin_b64":"{{Convert.ToBase64String(input[..1000])}}"}""");

        Assert.Equal("300000", result.Text("stdout")!.Trim());
        Assert.Equal(0, unread.Integer("exit_code"));
    }

    // Without nerdctl: podman's command line, which stands for it, fails itself then.
    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task InputThatIsNotRead_HoldsNothingUp_AndWhatIsSaidArrives(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var input = Convert.ToBase64String(new byte[700_000]);

        // Podman gives the output up where it meets the end of a command that has not read what is on its way to it.
        var none = await lab.HeardAsync(name, $$"""{"argv":["/bin/sh","-c","echo said; exit 3"],"stdin_b64":"{{input}}"}""", mayBeLost: provider == "podman");
        var some = await lab.HeardAsync(name, $$"""{"argv":["/bin/sh","-c","head -c 10 | wc -c"],"stdin_b64":"{{input}}"}""", mayBeLost: provider == "podman");
        // One that says no more, and reads on.
        var silent = await lab.DoAsync("container.exec", name, $$"""{"argv":["/bin/sh","-c","exec >&- 2>&-; cat > /tmp/all"],"stdin_b64":"{{input}}"}""");

        Assert.Equal((3, "said\n", false), (none.Integer("exit_code"), none.Text("stdout"), none.Flag("timed_out")));
        Assert.Equal((0, "10", false), (some.Integer("exit_code"), some.Text("stdout")!.Trim(), some.Flag("timed_out")));
        Assert.Equal(0, silent.Integer("exit_code"));
        Assert.Equal("700000", (await lab.SucceedAsync(name, "/bin/sh", "-c", "wc -c < /tmp/all")).Text("stdout")!.Trim());
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task UserOfNoName_Is126WithTheEnginesWords(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();

        var result = await lab.DoAsync("container.exec", name, """{"argv":["/bin/id"],"user":"nobodyhere"}""");

        Assert.Equal((126, ""), (result.Integer("exit_code"), result.Text("stdout")));
        Assert.StartsWith("unable to find user nobodyhere", result.Text("stderr"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task MuchOutput_KeepsTheEndAndSaysSo(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();

        var result = await lab.HeardAsync(name, """{"argv":["/bin/sh","-c","seq 200000; seq 200000 >&2"]}""");

        Assert.True(result.Flag("truncated"));
        Assert.EndsWith("199999\n200000\n", result.Text("stdout"));
        Assert.EndsWith("199999\n200000\n", result.Text("stderr"));
        Assert.True(JsonSerializer.SerializeToUtf8Bytes(result).Length <= 256 * 1024);
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task TimeIsOver_CommandIsEndedAndItsOutputKept(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();

        // Where a machine needs longer than that to begin a command, it gets more.
        var seconds = 4;
        var result = await TimedOutAsync();
        while (result.Text("stdout") == "" && seconds < 40)
        {
            seconds *= 3;
            result = await TimedOutAsync();
        }
        Task<JsonElement> TimedOutAsync() => lab.DoAsync("container.exec", name, $$"""{"argv":["/bin/sh","-c","echo begun; sleep 987; echo never"],"timeout_s":{{seconds}}}""");

        Assert.Equal((true, true, "begun\n"), (result.Flag("timed_out"), result.Flag("killed"), result.Text("stdout")));
        var left = await lab.ExecAsync(name, "/bin/sh", "-c", "grep -l '^sleep.987' /proc/[0-9]*/cmdline | grep .");
        Assert.Equal((1, ""), (left.Integer("exit_code"), left.Text("stdout")));
    }

    [Theory, InlineData("podman"), InlineData("docker")]
    public async Task Terminal_MakesOneOutput(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();

        var result = await lab.DoAsync("container.exec", name, """{"argv":["/bin/sh","-c","test -t 1 && echo terminal; echo err >&2"],"tty":true}""");

        Assert.Equal(("terminal\r\nerr\r\n", ""), (result.Text("stdout"), result.Text("stderr")));
    }

    [Theory]
    [InlineData("podman", "typed"), InlineData("podman", "typed\n"), InlineData("podman", "")]
    [InlineData("docker", "typed"), InlineData("docker", "typed\n"), InlineData("docker", "")]
    public async Task InputOfATerminal_EndsAfterIt(string provider, string typed)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var input = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(typed));

        var result = await lab.DoAsync("container.exec", name, $$"""{"argv":["/bin/cat"],"tty":true,"stdin_b64":"{{input}}","timeout_s":20}""");

        Assert.Equal((0, false), (result.Integer("exit_code"), result.Flag("timed_out")));
        Assert.Contains(typed.TrimEnd(), result.Text("stdout"));
    }

    [Fact]
    public async Task TerminalOfACommandLine_IsRefused()
    {
        await using var lab = await PrimitiveLab.OpenAsync("nerdctl");
        var name = await lab.RunningAsync();

        var answer = await lab.SendAsync("container.exec", name, """{"argv":["/bin/true"],"tty":true}""");

        Assert.Equal("refused_by_engine", answer.Json.Member("result").Text("reason"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task ItsOutput_IsReadWhileItRuns_AndAfterwards(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();
        var sent = await lab.SendAsync("container.exec", name, """{"argv":["/bin/sh","-c","seq 12000; echo begun; echo to err >&2; until [ -e /tmp/go ]; do sleep 0.02; done; printf 'the end'"]}""", wait: 0);
        var run = sent.Json.Member("run").Text("run_id")!;

        using var response = await lab.Gateway.Client.GetAsync($"/v1/runs/{run}/logs?follow=true&tail=10000", HttpCompletionOption.ResponseHeadersRead, PrimitiveLab.Cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(PrimitiveLab.Cancel));
        await ReadUntilAsync(reader, "\"begun\"");
        var soFar = await lab.Gateway.Client.GetStringAsync($"/v1/runs/{run}/logs?tail=3&grep=beg", PrimitiveLab.Cancel);
        await lab.Gateway.RunInAsync(run, "running");
        // Another command of the same container waits for its turn, so the engine itself is asked to go on.
        await lab.ReleaseAsync(name);
        var rest = await ReadUntilAsync(reader, "event: end");
        await lab.Gateway.RunInAsync(run, "exited");
        var afterwards = await lab.Gateway.Client.GetStringAsync($"/v1/runs/{run}/logs?tail=2", PrimitiveLab.Cancel);

        // Of so many lines the first made room.
        Assert.Matches("""^\{"lines":\["begun"\],"dropped":[1-9][0-9]{3}\}$""", soFar);
        Assert.Contains("\"the end\"", rest);
        Assert.Contains("the end", afterwards);
        Assert.Contains("to err", afterwards);
    }

    /// <summary>Reads lines until one contains a text; what was read.</summary>
    private static async Task<string> ReadUntilAsync(StreamReader reader, string text)
    {
        var read = new StringBuilder();
        while (await reader.ReadLineAsync(PrimitiveLab.Cancel) is { } line)
        {
            read.AppendLine(line);
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return read.ToString();
            }
        }
        throw new InvalidOperationException($"The stream ended without '{text}': {read}");
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NoSuchCommand_Is127(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = await lab.RunningAsync();

        var result = await lab.ExecAsync(name, "/no/such/command");

        Assert.Equal(127, result.Integer("exit_code"));
        Assert.Contains("/no/such/command", result.Text("stderr"));
    }

    [Theory, InlineData("podman"), InlineData("docker"), InlineData("nerdctl")]
    public async Task NotRunning_IsAConflict(string provider)
    {
        await using var lab = await PrimitiveLab.OpenAsync(provider);
        var name = lab.Name();
        await lab.DoAsync("container.create", name, $$"""{"image":"{{PrimitiveLab.Image}}"}""");

        Assert.Equal("409_LIFECYCLE_CONFLICT", (await lab.SendAsync("container.exec", name, """{"argv":["true"]}""")).Code);
    }
}
