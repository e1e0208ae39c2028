using System.Diagnostics.CodeAnalysis;

namespace LogLine.Protocol.MiniContainers;

/// <summary>
/// A variable's value that stands for a secret: <c>grant://&lt;id&gt;</c> puts the secret into the variable,
/// <c>grant://&lt;id&gt;?as=file&amp;path=/run/secrets/db</c> into a file in memory, and its path into the variable.
/// </summary>
/// <param name="GrantId">The grant's id.</param>
/// <param name="FilePath">Where the file is in the container; null for a variable.</param>
public sealed record GrantReference(string GrantId, string? FilePath)
{
    /// <summary>What every such value begins with.</summary>
    public const string Scheme = "grant://";

    /// <summary>True when a value is meant as a reference, well-formed or not.</summary>
    public static bool IsMeant(string value) => value.StartsWith(Scheme, StringComparison.Ordinal);

    /// <summary>Reads a reference, or says what is wrong with it.</summary>
    public static bool TryParse(string value, [NotNullWhen(true)] out GrantReference? reference, [NotNullWhen(false)] out string? problem)
    {
        reference = null;
        problem = "must be grant://<id>, or grant://<id>?as=file&path=/absolute/path";
        if (!IsMeant(value))
        {
            return false;
        }
        var parts = value[Scheme.Length..].Split('?', 2);
        if (!IsId(parts[0]))
        {
            return false;
        }
        string? file = null;
        var asFile = false;
        foreach (var option in parts.Length == 2 ? parts[1].Split('&') : [])
        {
            switch (option.Split('=', 2))
            {
                case ["as", "file"] when !asFile:
                    asFile = true;
                    break;
                case ["path", { } path] when file is null:
                    file = path;
                    break;
                default:
                    return false;
            }
        }
        if (asFile != file is not null)
        {
            return false;
        }
        if (file is not null && !IsPlainPath(file))
        {
            problem = $"has the path '{file}', which must be absolute, of at most 255 letters, digits and '._-/', without '..'";
            return false;
        }
        (reference, problem) = (new GrantReference(parts[0], file), null);
        return true;
    }

    private static bool IsId(string text) => text.Length is >= 1 and <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    private static bool IsPlainPath(string path) =>
        path.Length is >= 2 and <= 255 && path[0] == '/' && path[^1] != '/'
        && path.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/')
        && path.Split('/')[1..].All(part => part is not ("" or "." or ".."));
}
