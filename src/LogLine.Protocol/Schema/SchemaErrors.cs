using System.Text;

namespace LogLine.Protocol.Schema;

/// <summary>Gathers errors and knows where in the instance the evaluation stands.</summary>
internal sealed class SchemaErrors(string at)
{
    // A path is a pointer for a reader; a name of a megabyte must not be repeated in a hundred of them.
    private const int LongestSegment = 256;

    private readonly StringBuilder path = new(at);
    private readonly Stack<int> lengths = new();
    private List<SchemaError> current = [];
    private bool cut;

    /// <summary>
    /// Whether another error will be listed. Ask before a message is made: of a hundred thousand faults only so many are told, and
    /// once the answer is no nothing more need be looked at.
    /// </summary>
    public bool HasRoom
    {
        get
        {
            cut |= current.Count >= SchemaLimits.Errors;
            return current.Count < SchemaLimits.Errors;
        }
    }

    /// <summary>JSON Pointer of the place.</summary>
    public string Path => path.ToString();

    /// <summary>The place as people write it: <c>payload.target.service</c>.</summary>
    public string Field => FieldOf(Path);

    public void Enter(ReadOnlySpan<byte> member) => Enter(Encoding.UTF8.GetString(member));

    public void Enter(string member)
    {
        lengths.Push(path.Length);
        path.Append('/').Append(JsonPointer.Escape(Excerpt.Cut(member, LongestSegment)));
    }

    public void Enter(int index)
    {
        lengths.Push(path.Length);
        path.Append('/').Append(index);
    }

    public void Leave() => path.Length = lengths.Pop();

    public void Add(string keyword, string message) => Add(new SchemaError(Path, keyword, message));

    public void AddMissing(string keyword, string name, string reason)
    {
        Enter(name);
        Add(new SchemaError(Path, keyword, $"{Field} {reason}") { MissingProperty = name });
        Leave();
    }

    /// <summary>A limit ended the evaluation: whatever was found before is incomplete.</summary>
    public void AddLimit(string reason) =>
        current.Add(new SchemaError(at, "limit", $"{FieldOf(at)} {reason}"));

    /// <summary>Begins a list of its own for an alternative that may yet turn out to fit; gives the outer one, for <see cref="Close"/>.</summary>
    public List<SchemaError> Open()
    {
        var outer = current;
        current = [];
        return outer;
    }

    /// <summary>Goes back to the outer list and gives what was found since.</summary>
    public List<SchemaError> Close(List<SchemaError> outer)
    {
        var found = current;
        current = outer;
        return found;
    }

    /// <summary>No alternative fits: says what would help most.</summary>
    public void AddAlternatives(string keyword, List<List<SchemaError>> failures)
    {
        foreach (var error in SchemaAlternatives.Summarise(Path, keyword, failures))
            Add(error);
    }

    public IReadOnlyList<SchemaError> ToList()
    {
        if (cut)
            current.Add(new SchemaError(at, "limit", $"{FieldOf(at)} may have more errors than the {SchemaLimits.Errors} listed"));
        return current;
    }

    public static string FieldOf(string pointer) =>
        pointer.Length == 0 ? "the document" : Excerpt.Tail(pointer[1..].Replace('/', '.').Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal));

    public void Add(SchemaError error)
    {
        if (HasRoom)
            current.Add(error);
    }
}
