namespace LogLine.Protocol.Schema;

/// <summary>
/// What to say when none of several alternatives fits. All errors of all of them would bury the reader, so: if each lacks only
/// members, these are asked for; if one alternative is plainly meant (the others name another constant or type), its errors are the
/// answer; if each wants another constant at one place, the constants are listed; else the first error of each.
/// </summary>
internal static class SchemaAlternatives
{
    private const int Listed = 5;

    public static IEnumerable<SchemaError> Summarise(string path, string keyword, List<List<SchemaError>> failures)
    {
        // An alternative that a limit ended has nothing to say.
        failures.RemoveAll(f => f.Count == 0);
        if (failures.Count <= 1)
            return failures.FirstOrDefault() ?? [];
        if (failures.TrueForAll(f => f.TrueForAll(e => e.MissingProperty is not null)))
            return [Missing(failures)];
        var meant = failures.FindAll(f => !f.Exists(IsMismatch));
        if (meant.Count == 1)
            return meant[0];
        if (meant.Count == 0 && SharedMismatch(failures) is { } place)
            return [OneOfThese(place, keyword, failures)];
        return [FirstOfEach(path, keyword, failures)];
    }

    private static SchemaError Missing(List<List<SchemaError>> failures)
    {
        var choices = failures.Select(f => string.Join(" and ", f.Select(e => SchemaErrors.FieldOf(e.Path)))).Distinct().ToList();
        var first = failures[0][0];
        var message = choices.Count == 1 ? first.Message : $"{string.Join(" or ", choices.Take(Listed))} is required";
        return first with { Message = message };
    }

    // Errors that say "this value is meant for another alternative".
    private static bool IsMismatch(SchemaError error) => error.Keyword is "const" or "enum" or "type" or "false";

    private static string? SharedMismatch(List<List<SchemaError>> failures)
    {
        var place = failures[0].Find(IsConstant)?.Path;
        return place is not null && failures.TrueForAll(f => f.Exists(e => IsConstant(e) && e.Path == place)) ? place : null;
    }

    private static bool IsConstant(SchemaError error) => error.Accepted is not null;

    private static SchemaError OneOfThese(string place, string keyword, List<List<SchemaError>> failures)
    {
        var errors = failures.Select(f => f.Find(e => IsConstant(e) && e.Path == place)!).ToList();
        var accepted = string.Join(", ", errors.Select(e => e.Accepted).Distinct());
        return errors[0] with { Keyword = keyword, Accepted = accepted, Message = $"{SchemaErrors.FieldOf(place)} must be one of {accepted}, found {errors[0].Found}" };
    }

    private static SchemaError FirstOfEach(string path, string keyword, List<List<SchemaError>> failures)
    {
        var reasons = failures.Select(f => f[0].Message).Distinct().ToList();
        var more = reasons.Count > Listed ? $"; and {reasons.Count - Listed} more" : "";
        var which = keyword == "oneOf" ? "exactly one" : "at least one";
        return new SchemaError(path, keyword,
            $"{SchemaErrors.FieldOf(path)} must fit {which} of {failures.Count} alternatives: {string.Join("; or ", reasons.Take(Listed))}{more}");
    }
}
