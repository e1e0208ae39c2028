using System.Text.Json;
using LogLine.Protocol.Schema;

namespace LogLine.Protocol.Tests.Schema;

/// <summary>
/// The official test suite of draft 2020-12. Every case holds, except the schemas that are refused when they are loaded; which
/// these are, and why, is <see cref="Refused"/>, and that they are refused is asserted too.
/// </summary>
public sealed class SuiteTests(ITestOutputHelper output)
{
    private const string Remote = "refers to a document that is not in a registry";
    private const string Dynamic = "$dynamicRef and $dynamicAnchor are not supported";
    private const string Unknown = "uses a keyword that the draft does not have";
    private const string Vocabulary = "names a dialect other than draft 2020-12";
    private const string Format = "names a format that is not checked here";

    /// <summary>File, description of the case (* for all), reason.</summary>
    private static readonly (string File, string Case, string Reason)[] Refused =
    [
        ("refRemote.json", "*", Remote),
        ("dynamicRef.json", "*", Dynamic),
        ("vocabulary.json", "*", Vocabulary),
        ("defs.json", "validate definition against metaschema", Remote),
        ("ref.json", "remote ref, containing refs itself", Remote),
        ("unevaluatedItems.json", "unevaluatedItems with $dynamicRef", Dynamic),
        ("unevaluatedProperties.json", "unevaluatedProperties with $dynamicRef", Dynamic),
        ("optional/cross-draft.json", "*", Remote),
        ("optional/dynamicRef.json", "*", Dynamic),
        ("optional/dependencies-compatibility.json", "*", Unknown),
        ("optional/format-assertion.json", "*", Vocabulary),
        ("optional/refOfUnknownKeyword.json", "reference of a root arbitrary keyword ", Unknown),
        ("optional/refOfUnknownKeyword.json", "reference of a root arbitrary keyword with encoded ref", Unknown),
        ("optional/refOfUnknownKeyword.json", "reference of an arbitrary keyword of a sub-schema", Unknown),
        ("optional/refOfUnknownKeyword.json", "reference of an arbitrary keyword of a sub-schema with encoded ref", Unknown),
        ("optional/unknownKeyword.json", "*", Unknown),
        ("optional/format/idn-email.json", "*", Format),
        ("optional/format/idn-hostname.json", "*", Format),
        ("optional/format/iri.json", "*", Format),
        ("optional/format/iri-reference.json", "*", Format),
        ("optional/format/relative-json-pointer.json", "*", Format),
        ("optional/format/unknown.json", "*", Format),
        ("optional/format/uri-template.json", "*", Format),
    ];

    public static TheoryData<string> Files()
    {
        var files = new TheoryData<string>();
        if (Vectors.Folder("json-schema") is { } folder)
        {
            foreach (var file in Directory.EnumerateFiles(folder, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                files.Add(Path.GetRelativePath(folder, file).Replace('\\', '/'));
        }
        else
        {
            files.Add("");
        }
        return files;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void OfficialCase_HoldsOrIsRefusedAtLoad(string file)
    {
        var folder = Vectors.Require("json-schema");
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, file)));
        var wrong = new List<string>();
        var (tests, refused) = (0, 0);
        foreach (var one in cases.RootElement.EnumerateArray())
        {
            var name = one.GetProperty("description").GetString()!;
            if (Refused.Any(r => r.File == file && r.Case == "*" || r.File == file && r.Case == name))
            {
                refused++;
                if (Record.Exception(() => Load(file, one)) is not SchemaLoadException)
                    wrong.Add($"{name}: loads, but was to be refused");
                continue;
            }
            tests += Hold(file, one, wrong);
        }
        output.WriteLine($"{file}: {tests} tests hold, {refused} schemas refused");
        Assert.Empty(wrong);
    }

    private static int Hold(string file, JsonElement one, List<string> wrong)
    {
        var name = one.GetProperty("description").GetString();
        JsonSchema schema;
        try
        {
            schema = Load(file, one);
        }
        catch (SchemaLoadException fault)
        {
            wrong.Add($"{name}: {fault.Message}");
            return 0;
        }
        var count = 0;
        foreach (var test in one.GetProperty("tests").EnumerateArray())
        {
            count++;
            var (data, expected) = (test.GetProperty("data"), test.GetProperty("valid").GetBoolean());
            if (schema.IsValid(data) != expected || schema.Validate(data).Count == 0 != expected)
                wrong.Add($"{name} / {test.GetProperty("description").GetString()}: expected {expected}");
        }
        return count;
    }

    // Outside optional/format the suite takes format for a note, as the draft does by default.
    private static JsonSchema Load(string file, JsonElement one) =>
        JsonSchema.Load(one.GetProperty("schema"), null, file.StartsWith("optional/format", StringComparison.Ordinal) ? FormatUse.Assert : FormatUse.Annotate);
}
