using System.Runtime.InteropServices;
using System.Text.Json;

namespace LogLine.Protocol.Schema;

/// <summary>What is done with the keyword <c>format</c>.</summary>
public enum FormatUse
{
    /// <summary>A string must have the format; a format that is not known is refused when the schema is loaded.</summary>
    Assert,

    /// <summary>The keyword is a note to the reader and nothing is checked, which is what the draft does by default.</summary>
    Annotate,
}

/// <summary>
/// A JSON Schema (draft 2020-12), compiled once and then immutable: any number of threads may validate with it.
/// </summary>
/// <remarks>
/// Not supported, and refused when loaded: <c>$dynamicRef</c>, <c>$dynamicAnchor</c>, <c>$vocabulary</c>, another <c>$schema</c>,
/// references to documents that are not in the registry, and every keyword that the draft does not have, unless its name begins
/// with <c>x-</c>. The limits are those of <see cref="SchemaLimits"/>.
/// </remarks>
public sealed class JsonSchema
{
    private readonly SchemaNode root;

    private JsonSchema(SchemaNode root) => this.root = root;

    /// <summary>Compiles the schema in a UTF-8 document.</summary>
    /// <param name="utf8">The document; it is copied.</param>
    /// <param name="registry">The other documents that a <c>$ref</c> may name; none by default.</param>
    /// <param name="formats">What <c>format</c> means; it is asserted by default.</param>
    /// <exception cref="SchemaLoadException">The document is not JSON, or not a schema that can be held to.</exception>
    public static JsonSchema Load(ReadOnlySpan<byte> utf8, SchemaRegistry? registry = null, FormatUse formats = FormatUse.Assert) =>
        new(SchemaCompiler.Compile(SchemaDocument.Parse(utf8), registry, formats));

    /// <summary>Compiles a schema that has been parsed already.</summary>
    /// <param name="schema">The schema; it is copied, so its document may be disposed.</param>
    /// <param name="registry">The other documents that a <c>$ref</c> may name; none by default.</param>
    /// <param name="formats">What <c>format</c> means; it is asserted by default.</param>
    /// <exception cref="SchemaLoadException">Not a schema that can be held to.</exception>
    public static JsonSchema Load(JsonElement schema, SchemaRegistry? registry = null, FormatUse formats = FormatUse.Assert) =>
        Load(JsonMarshal.GetRawUtf8Value(schema), registry, formats);

    /// <summary>Whether the instance is valid. Allocates nothing.</summary>
    /// <param name="instance">Any JSON value; an undefined element is not valid. Names in an object are taken to be unique, which the reader has to see to (RFC 8259, section 4).</param>
    public bool IsValid(JsonElement instance)
    {
        var evaluation = new Evaluation(null);
        return evaluation.Run(root, instance);
    }

    /// <summary>Every error of the instance at once, in document order; none when it is valid.</summary>
    /// <param name="instance">Any JSON value.</param>
    /// <param name="at">JSON Pointer of the instance inside the document that the reader knows; it is put before every path.</param>
    /// <returns>At most <see cref="SchemaLimits.Errors"/> errors, and then one more that says so.</returns>
    public IReadOnlyList<SchemaError> Validate(JsonElement instance, string at = "")
    {
        if (IsValid(instance))
            return [];
        var errors = new SchemaErrors(at);
        var evaluation = new Evaluation(errors);
        evaluation.Run(root, instance);
        return errors.ToList();
    }
}

/// <summary>One reason why an instance is not valid.</summary>
/// <param name="Path">JSON Pointer (RFC 6901) of the value; for <c>required</c> that of the member that is missing.</param>
/// <param name="Keyword">The keyword that failed, as the schema spells it; <c>false</c> for the schema <c>false</c>.</param>
/// <param name="Message">For a human: the field, what was found (at most 64 characters of it), and what is accepted.</param>
public sealed record SchemaError(string Path, string Keyword, string Message)
{
    /// <summary>For <c>required</c> and <c>dependentRequired</c>, the name of the missing member; else null.</summary>
    public string? MissingProperty { get; init; }

    // Of const and enum: what is accepted and what was there, so that alternatives can be told in one sentence.
    internal string? Accepted { get; init; }

    internal string? Found { get; init; }
}

/// <summary>A schema that cannot be held to: malformed, unsupported, or beyond a limit.</summary>
public sealed class SchemaLoadException : Exception
{
    /// <summary>Names where and why.</summary>
    public SchemaLoadException(string pointer, string keyword, string reason)
        : base($"schema at '{(pointer.Length == 0 ? "/" : pointer)}', keyword '{keyword}': {reason}")
    {
        Pointer = pointer;
        Keyword = keyword;
    }

    /// <summary>JSON Pointer of the (sub)schema in its document; empty for the root.</summary>
    public string Pointer { get; }

    /// <summary>The keyword that is to blame.</summary>
    public string Keyword { get; }
}

/// <summary>What bounds the work of a hostile schema or instance.</summary>
public static class SchemaLimits
{
    /// <summary>Length of a schema document in bytes: 64 KiB. What a schema asks of each instance grows with it.</summary>
    public const int DocumentBytes = 64 * 1024;

    /// <summary>Nesting of an instance, and of a schema document.</summary>
    public const int Depth = 64;

    /// <summary>Subschemas that may apply to one place, each inside the other, through <c>$ref</c>, <c>allOf</c> and the like.</summary>
    public const int InPlaceDepth = 64;

    /// <summary>Evaluations that may be under way at once: instance levels times the subschemas stacked at each.</summary>
    public const int Frames = 512;

    /// <summary>Subschemas in one compiled schema.</summary>
    public const int Nodes = 20_000;

    /// <summary>Member names that one subschema may know.</summary>
    public const int Names = 4_096;

    /// <summary>Steps of one validation: a subschema applied, a member or an element looked at. Beyond it the instance is not valid.</summary>
    public const int Steps = 1_000_000;

    /// <summary>Errors in one answer.</summary>
    public const int Errors = 100;

    /// <summary>UTF-16 code units in a regular expression.</summary>
    public const int PatternLength = 4_096;

    /// <summary>Bytes of a string that a regular expression outside the direct matcher is applied to; a longer one does not match.</summary>
    public const int PatternInputBytes = 65_536;

    /// <summary>Characters of a value or a name in a message.</summary>
    public const int MessageExcerpt = 64;
}
