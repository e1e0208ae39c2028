using LogLine.Api.Tests.Checkout;

namespace LogLine.Api.Tests.Deploy;

/// <summary>The names that deployments may set in the environment: each is one that the program reads.</summary>
internal static class Settings
{
    private static readonly Lazy<HashSet<string>> Options = new(() => [.. PathsOf(typeof(GatewayOptions), "LogLine")]);
    private static readonly Lazy<string> Sources = new(() => string.Concat(Directory.EnumerateFiles(Repository.At("src", "LogLine.Api"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)).Select(File.ReadAllText)));

    // Read by .NET itself.
    private static readonly string[] OfTheRuntime = ["ASPNETCORE_HTTP_PORTS", "DOTNET_EnableDiagnostics"];

    public static void AssertRead(IEnumerable<string> names) => Assert.All(names, name => Assert.True(IsRead(name), $"nobody reads {name}"));

    private static bool IsRead(string name)
    {
        if (Options.Value.Contains(name) || OfTheRuntime.Contains(name) || Sources.Value.Contains($"\"{name.Replace("__", ":", StringComparison.Ordinal)}\"", StringComparison.Ordinal))
        {
            return true;
        }
        return name.StartsWith("ConnectionStrings__", StringComparison.Ordinal) && Sources.Value.Contains($"GetConnectionString(\"{name["ConnectionStrings__".Length..]}\")", StringComparison.Ordinal);
    }

    private static IEnumerable<string> PathsOf(Type options, string prefix)
    {
        foreach (var property in options.GetProperties().Where(property => property.CanWrite))
        {
            var path = $"{prefix}__{property.Name}";
            yield return path;
            if (property.PropertyType is { IsClass: true, Namespace: { } space } && space.StartsWith("LogLine", StringComparison.Ordinal))
            {
                foreach (var inner in PathsOf(property.PropertyType, path))
                {
                    yield return inner;
                }
            }
        }
    }
}
