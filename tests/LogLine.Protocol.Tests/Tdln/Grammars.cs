using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Tdln;

namespace LogLine.Protocol.Tests.Tdln;

/// <summary>The grammar of the repository's own schemas, and grammars of schemas that a test writes down.</summary>
internal static class Grammars
{
    public const string Hex = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    public const string Ref = "mc:vv/web@blake3:" + Hex;

    private static readonly Lazy<(IReadOnlyList<TdlnIntent> Intents, TdlnGrammar Grammar)> Repository = new(() =>
    {
        var intents = Read(Files());
        return (intents, TdlnGrammar.Load(intents));
    });

    /// <summary>The repository's folder.</summary>
    public static string Root
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "LogLine.Api.sln")))
            {
                folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("LogLine.Api.sln is in no folder above the tests.");
            }
            return folder;
        }
    }

    public static TdlnGrammar Real => Repository.Value.Grammar;

    public static IReadOnlyList<TdlnIntent> Intents => Repository.Value.Intents;

    public static TdlnContext Tenant => new("vv");

    public static TdlnGrammar Of(params (string Name, string Schema)[] intents) =>
        TdlnGrammar.Load(Read(intents.Select(intent => (intent.Name, IsIntent: true, JsonDocument.Parse(intent.Schema).RootElement))));

    public static TdlnResult.Compiled Compiled(string text, TdlnContext? context = null) =>
        Assert.IsType<TdlnResult.Compiled>(Real.Compile(text, context ?? Tenant));

    public static TdlnResult.NotUnderstood Refused(string text, TdlnContext? context = null) =>
        Assert.IsType<TdlnResult.NotUnderstood>(Real.Compile(text, context ?? Tenant));

    public static string Json(this TdlnResult.Compiled compiled) => System.Text.Encoding.UTF8.GetString(compiled.Span.Utf8.Span);

    public static JsonElement Given(string json) => CanonicalJson.TryRead(System.Text.Encoding.UTF8.GetBytes(json), out var read, out var fault) ? read.Root : throw new FormatException(fault.Message);

    private static List<TdlnIntent> Read(IEnumerable<(string Name, bool IsIntent, JsonElement Schema)> files)
    {
        var all = files.ToList();
        var reader = new TdlnIntentReader(all.Select(file => file.Schema));
        return [.. all.Where(file => file.IsIntent).Select(file => reader.Read(file.Name, file.Schema)).OfType<TdlnIntent>()];
    }

    private static IEnumerable<(string, bool, JsonElement)> Files()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Root, "schemas"), "*.schema.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            yield return (Path.GetFileName(file)[..^".schema.json".Length], Path.GetFileName(Path.GetDirectoryName(file)) == "intents", document.RootElement.Clone());
        }
    }
}
