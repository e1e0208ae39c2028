using System.CommandLine;

namespace LogLine.Cli.Commands.Primitives;

/// <summary>
/// <c>logline container …</c>, <c>image …</c>, <c>network …</c> and the like: one command for every intent of the catalogue that an engine carries out, made of
/// the intent's own file. Its members are options, <c>argv</c> is what stands behind <c>--</c>.
/// </summary>
internal static class PrimitiveCommands
{
    private static readonly Dictionary<string, string> Families = new()
    {
        ["container"] = "Containers on an engine, one act at a time.",
        ["image"] = "Images on an engine.",
        ["network"] = "Networks on an engine.",
        ["volume"] = "Volumes on an engine.",
        ["system"] = "An engine itself.",
        ["session"] = "Sessions that containers belong to.",
        ["task"] = "Tasks that containers belong to.",
        ["port"] = "Published ports.",
        ["cleanup"] = "What is left over.",
    };

    /// <summary>A branch for every family.</summary>
    public static IEnumerable<Command> Create(CommandTree tree)
    {
        foreach (var family in PrimitiveIntent.All().GroupBy(intent => intent.Words[0]))
        {
            var branch = new Command(family.Key, Families.GetValueOrDefault(family.Key, $"What can be done with a {family.Key}."));
            foreach (var intent in family)
            {
                Place(branch, intent.Words.AsSpan(1), intent.Title, words => Leaf(tree, words, intent));
            }
            yield return branch;
        }
    }

    private static void Place(Command branch, ReadOnlySpan<string> words, string title, Func<string, Command> leaf)
    {
        if (words.Length == 1)
        {
            branch.Add(leaf(words[0]));
            return;
        }
        var name = words[0];
        var inner = branch.Subcommands.FirstOrDefault(command => command.Name == name);
        if (inner is null)
        {
            branch.Add(inner = new Command(name, title));
        }
        Place(inner, words[1..], title, leaf);
    }

    private static Command Leaf(CommandTree tree, string word, PrimitiveIntent intent)
    {
        var name = intent.IsAboutOne ? new Argument<string>("NAME") { Description = "Its name, without the tenant." } : null;
        var members = intent.Members.Select(member => MemberOption.Of(intent, member)).ToList();
        var order = new EngineCommand(intent, name, members);
        return tree.Leaf(word, intent.Title, order.RunAsync, [.. order.Symbols]);
    }
}
