using System.Text;
using System.Text.RegularExpressions;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Adapters.Engine;

/// <summary>
/// Which images a Dockerfile names, and what in it would reach past its build. An engine has one store for all tenants and resolves names by itself, so
/// names must stand there as they are: one that is put together from variables is refused.
/// </summary>
internal static partial class BuildFile
{
    /// <summary>The largest Dockerfile, in bytes.</summary>
    public const int MaxBytes = 256 << 10;

    const string PlatformOption = "--platform=";

    /// <summary>The images that it names, and why it cannot be built; the second is null when it can.</summary>
    public static (IReadOnlyList<NamedImage> Images, string? Problem) Read(string text, bool network)
    {
        var (images, stages) = (new List<NamedImage>(), new Stages());
        if (Directive().IsMatch(text))
            return ([], "a parser directive (# syntax=, # escape=) at its beginning is not supported");
        text = text.Replace("\r\n", "\n");
        if (text.Any(c => char.IsControl(c) && c is not ('\n' or '\t')))
            return ([], "a control character is not supported");
        if (text.Contains('\uFEFF'))
            return ([], "a byte order mark within the text is not supported: to an engine it may be none");
        if (TwoBackslashes().IsMatch(text))
            return ([], "a line that ends with two backslashes is not supported: to one engine it goes on, to another it does not");
        foreach (var (at, _, line) in Instructions(text))
        {
            var words = Words(line);
            // Engines take quotes and backslashes out before they look which option it is.
            if (words.Skip(words[0].Equals("ONBUILD", StringComparison.OrdinalIgnoreCase) ? 2 : 1).TakeWhile(word => word.StartsWith("--", StringComparison.Ordinal)).FirstOrDefault(word => word.AsSpan().ContainsAny("\"'\\")) is { } quoted)
                return ([], $"the option '{quoted}' is not written out; quotes and backslashes in options are not supported");
            if (words[0].Equals("FROM", StringComparison.OrdinalIgnoreCase))
            {
                if (Begin(words, at, stages, images) is { } wrong)
                    return ([], wrong);
            }
            else if (Problem(words, network) is { } problem)
                return ([], problem);
            // COPY --from is an image, a stage by name, or a stage by number. What is run has options of its own.
            if (words[0].Equals("RUN", StringComparison.OrdinalIgnoreCase))
                continue;
            // A trigger acts in another build, which has other stages.
            var isTrigger = words[0].Equals("ONBUILD", StringComparison.OrdinalIgnoreCase);
            foreach (var from in words.Where(word => word.StartsWith("--from=", StringComparison.OrdinalIgnoreCase)).Select(word => word[7..]).Where(from => isTrigger || !stages.IsDone(from)))
            {
                if (stages.IsLike(from) || from.All(char.IsAsciiDigit))
                    return ([], $"'{from}' of COPY --from is no stage before its own, written as it is named there: one engine takes it for a stage, another for an image, or for the beginning of an image's id");
                images.Add(new NamedImage(from, null, at) { IsForLater = isTrigger });
            }
        }
        var names = images.Select(image => image.Name).ToList();
        if (names.FirstOrDefault(image => image.AsSpan().ContainsAny("$\"'\\{}")) is { } composed)
            return ([], $"the image '{composed}' is not written out; variables and quotes in the names of images are not supported");
        // Podman takes what stands before the colon for a store, or for a way to a file; docker alone needs more to be one.
        if (names.FirstOrDefault(image => ImageName.IsShort(image) && ImageName.IsTransport(image.Split(':')[0]) && image.Contains(':') && !image.StartsWith("docker:", StringComparison.Ordinal)) is { } moved)
            return ([], $"the image '{moved}' is written without its registry, and could be taken for another store's; write docker.io/library/{moved}");
        // The engine resolves what stands here by itself, and Podman takes localhost/other/x, whosever it is, for other/x.
        return names.FirstOrDefault(image => ImageName.IsShort(image) && image.Contains('/')) is { } halved
            ? ([], $"the image '{halved}' is written without its registry; write docker.io/{halved}")
            : (images, null);
    }

    /// <summary>
    /// The same Dockerfile, line by line, with other names for its images: an id in place of a name that could come to mean another image while it is built. What a trigger names, another build looks for, elsewhere perhaps: that stays.
    /// </summary>
    /// <param name="text">The text, which can be built.</param>
    /// <param name="images">The images that it names.</param>
    /// <param name="nameOf">What each is to be called.</param>
    public static string Renamed(string text, IReadOnlyList<NamedImage> images, Func<NamedImage, string> nameOf)
    {
        text = text.Replace("\r\n", "\n");
        var (lines, named) = (text.Split('\n'), images.Where(image => !image.IsForLater).ToLookup(image => image.Line));
        foreach (var (first, last, line) in Instructions(text))
        {
            var changed = line;
            foreach (var image in named[first])
                changed = Renamed(changed, image.Name, nameOf(image));
            if (changed == line)
                continue;
            Array.Fill(lines, "", first, last - first + 1); // what comes after stays where it is, for the engine's messages
            lines[first] = changed;
        }
        return string.Join('\n', lines);
    }

    /// <summary>An instruction with another name for its image: the first word of FROM that is no option, or the option --from.</summary>
    static string Renamed(string line, string name, string other)
    {
        var place = Regex.Match(line, $@"\A\s*(?:FROM(?:\s+--\S+)*\s+|\S+(?:\s+--\S+)*?\s+--from=)(?<name>{Regex.Escape(name)})(?=\s|\z)", RegexOptions.IgnoreCase).Groups["name"];
        return place.Success && place.Value == name ? string.Concat(line.AsSpan(0, place.Index), other, line.AsSpan(place.Index + place.Length)) : line;
    }

    /// <summary>A stage begins: why it cannot, or null.</summary>
    static string? Begin(List<string> words, int line, Stages stages, List<NamedImage> images)
    {
        var options = words.Skip(1).TakeWhile(word => word.StartsWith("--", StringComparison.Ordinal)).ToList();
        var rest = words.Skip(1 + options.Count).ToList();
        if (rest.Count == 0)
            return "FROM without an image";
        // An engine fetches the image for another platform than the one that was judged, under the same name.
        if (options.Count > 1 || !options.TrueForAll(Platform().IsMatch))
            return $"the options '{string.Join(' ', options)}' of FROM are not supported; one --platform=linux/ARCHITECTURE is, written out";
        if (rest[0] != "scratch" && !stages.IsNamed(rest[0]))
        {
            if (stages.IsLike(rest[0]))
                return $"'{rest[0]}' is the name of a stage, written otherwise: one engine takes it for that stage, another for an image";
            images.Add(new NamedImage(rest[0], options.Count > 0 ? options[0][PlatformOption.Length..] : null, line));
        }
        var name = rest.Count > 2 && rest[1].Equals("AS", StringComparison.OrdinalIgnoreCase) ? rest[2] : null;
        return name is not null && !StageName().IsMatch(name) ? $"'{name}' is no name of a stage"
            : !stages.Begin(name) ? $"two stages are called '{name}'"
            : null;
    }

    static string? Problem(List<string> words, bool network)
    {
        var instruction = words[0].Equals("ONBUILD", StringComparison.OrdinalIgnoreCase) && words.Count > 1 ? words[1] : words[0];
        if (words.Any(word => word.StartsWith("--mount=", StringComparison.OrdinalIgnoreCase) || word.StartsWith("--network=", StringComparison.OrdinalIgnoreCase) || word.StartsWith("--security=", StringComparison.OrdinalIgnoreCase)))
            return "RUN with --mount, --network or --security is not supported";
        if (words.Any(word => word.AsSpan().TrimStart("0123456789").StartsWith("<<")))
            return "here-documents are not supported";
        // The engine itself fetches what ADD names, past any network that the build has or has not.
        if (!network && instruction.Equals("ADD", StringComparison.OrdinalIgnoreCase) && words.Skip(1).Any(word => word.Contains("://", StringComparison.Ordinal) || word.Contains("git@", StringComparison.Ordinal) || word.Contains('$')))
            return "ADD of a URL or a variable needs the network ('network': true), where the operator allows it";
        return null;
    }

    /// <summary>
    /// The instructions, one line each, as engines put them together: what goes on is joined as it is, and empty lines and comments in between are not there. A comment ends with its line, whatever that ends with. With the numbers of the first and
    /// the last line of each, from 0.
    /// </summary>
    static List<(int First, int Last, string Text)> Instructions(string text)
    {
        var (found, open, first, last) = (new List<(int, int, string Text)>(), new StringBuilder(), -1, 0);
        foreach (var (number, line) in text.Split('\n').Select(line => line.TrimEnd(' ', '\t')).Index().Where(line => line.Item.AsSpan().TrimStart() is not ([] or ['#', ..])))
        {
            var goesOn = line[^1] == '\\';
            open.Append(goesOn ? line[..^1] : line);
            (first, last) = (first < 0 ? number : first, number);
            if (goesOn)
                continue;
            found.Add((first, last, open.ToString()));
            open.Clear();
            first = -1;
        }
        found.Add((first, last, open.ToString()));
        return [.. found.Where(one => !string.IsNullOrWhiteSpace(one.Text))];
    }

    /// <summary>The words: some white space parts options only, so that all of it has to.</summary>
    static List<string> Words(string line) => [.. line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];

    [GeneratedRegex(@"\\\\\s*?(?:\n|\z)")]
    private static partial Regex TwoBackslashes();

    [GeneratedRegex(@"\A" + PlatformOption + @"linux/[a-z0-9]+\z")]
    private static partial Regex Platform();

    [GeneratedRegex(@"\A[a-z][a-z0-9._-]*\z", RegexOptions.IgnoreCase)]
    private static partial Regex StageName();

    // BuildKit takes the last two for words to itself as well.
    [GeneratedRegex(@"\A\s*(?:(?:#[^\n]*\n\s*)*(?:#|//)[^\S\n]*(?:syntax|escape|check)[^\S\n]*=|\{)", RegexOptions.IgnoreCase)]
    private static partial Regex Directive();

    /// <summary>
    /// The stages so far. Docker knows them in any case, Podman by their very names and numbers, and only those that are done; what it does not know there it looks for among all images, by the beginnings of their ids too.
    /// </summary>
    sealed class Stages
    {
        readonly List<string?> names = [];

        /// <summary>False when the name is taken.</summary>
        public bool Begin(string? name)
        {
            var isNew = name is null || !names.Contains(name, StringComparer.OrdinalIgnoreCase);
            names.Add(name);
            return isNew;
        }

        public bool IsNamed(string name) => names.Contains(name);

        /// <summary>To every engine it is a stage before the one that has begun.</summary>
        public bool IsDone(string name) => names.SkipLast(1).Contains(name) || Enumerable.Range(0, Math.Max(0, names.Count - 1)).Any(number => name == $"{number}");

        /// <summary>To some engine it could be one.</summary>
        public bool IsLike(string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);
    }
}

/// <summary>An image that a Dockerfile names.</summary>
/// <param name="Name">As it stands there.</param>
/// <param name="Platform">The one that it is to be for; null where none is given.</param>
/// <param name="Line">The number of the line in which its instruction begins, from 0.</param>
internal sealed record NamedImage(string Name, string? Platform, int Line)
{
    /// <summary>A trigger names it: it is looked for in another build.</summary>
    public bool IsForLater { get; init; }
}
