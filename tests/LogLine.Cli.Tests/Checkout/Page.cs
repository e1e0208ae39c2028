using System.Text;
using System.Text.RegularExpressions;

namespace LogLine.Cli.Tests.Checkout;

/// <summary>
/// The commands on a page of the documentation. <c>&lt;!-- run --&gt;</c> before a <c>```bash</c> block has it run, all blocks of a page in one shell, from
/// the root of the checkout; <c>&lt;!-- run, fails --&gt;</c> expects a failure; <c>, shows: TEXT</c> expects a text in what the block says.
/// </summary>
internal sealed partial class Page
{
    private readonly List<Block> _blocks;
    private readonly List<string> _indented;

    public Page(string path)
    {
        Path = path;
        var text = File.ReadAllText(System.IO.Path.Combine(Repository.Root, path));
        _blocks = [.. Blocks().Matches(text).Select(match => new Block(match.Groups["commands"].Value, match.Groups["run"].Success, match.Groups["fails"].Success, match.Groups["shows"].Value))];
        _indented = [.. Indented().Matches(Fenced().Replace(text, "")).Select(match => match.Groups[1].Value)];
    }

    /// <summary>Relative to the root.</summary>
    public string Path { get; }

    /// <summary>True when a block is to be run.</summary>
    public bool HasCommands => _blocks.Exists(block => block.Run);

    /// <summary>Lines of blocks that are not run, and commands that stand on the page as indented text.</summary>
    public IEnumerable<string> CommandsNotRun =>
        _blocks.Where(block => !block.Run).SelectMany(block => block.Commands.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Where(line => line[0] != '#').Concat(_indented);

    /// <summary>The page as one script; each block is announced by a line of its own, so that what it says can be told apart.</summary>
    public string Script()
    {
        var script = new StringBuilder("set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT\nexec 2>&1\n");
        for (var i = 0; i < _blocks.Count; i++)
        {
            if (_blocks[i].Run)
            {
                script.Append("echo ").Append(Mark(i)).Append('\n');
                script.Append(_blocks[i].Fails ? $"if (\n{_blocks[i].Commands}) then exit 99; fi\n" : _blocks[i].Commands);
            }
        }
        return script.Append("echo ").Append(Mark(_blocks.Count)).Append('\n').ToString();
    }

    /// <summary>What a block promised to show and did not, in what the script said.</summary>
    public IEnumerable<string> Unkept(string said)
    {
        for (var i = 0; i < _blocks.Count; i++)
        {
            if (_blocks[i].Shows.Length == 0)
            {
                continue;
            }
            var from = said.IndexOf(Mark(i) + "\n", StringComparison.Ordinal);
            var next = said.IndexOf("=== block ", from + 1, StringComparison.Ordinal);
            if (!said[from..(next < 0 ? said.Length : next)].Contains(_blocks[i].Shows, StringComparison.Ordinal))
            {
                yield return _blocks[i].Shows;
            }
        }
    }

    private static string Mark(int block) => $"=== block {block}";

    [GeneratedRegex(@"(?:<!-- (?<run>run)(?<fails>, fails)?(?:, shows: (?<shows>.*?))? -->\n)?```bash\n(?<commands>.*?)```", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Blocks();

    [GeneratedRegex("^(`{3,}).*?^\\1", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Fenced();

    // Indented by four: code in Markdown. Other code than commands begins otherwise.
    [GeneratedRegex("^ {4}((?:[A-Z_]+=\\S+ )*(?:logline|LogLine\\.Api|logline-api|dotnet|docker|kubectl|deploy/|npm|curl|printf|mkdir|cat) .*?)\\s*$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Indented();

    private sealed record Block(string Commands, bool Run, bool Fails, string Shows);
}
