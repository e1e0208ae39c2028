using System.Reflection;
using LogLine.Api.Ledger;

namespace LogLine.Api;

/// <summary>What an operator has mistyped is said before anything is opened: a setting that there is not would be a default that nobody chose.</summary>
internal static class SettingNames
{
    private const string Section = "LogLine";

    // The host's own.
    private static readonly string[] Options = ["data", "urls", "role", "environment", "contentRoot", "applicationName", "http_ports", "https_ports"];

    /// <summary>Goes through the command line.</summary>
    /// <exception cref="DataFolderException">Something in it is no option, or has no value.</exception>
    public static void Require(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            var (name, isWhole) = args[i].Split('=', 2) is [var option, _] ? (option, true) : (args[i], false);
            if (!name.StartsWith("--", StringComparison.Ordinal) || !IsOption(name[2..]))
            {
                throw new DataFolderException($"'{name}' is no option: there are --data, --urls, --role and --LogLine:SECTION:NAME (logline-api --help).");
            }
            if (!isWhole && ++i == args.Length)
            {
                throw new DataFolderException($"{name} has no value.");
            }
        }
    }

    /// <summary>Goes through the gateway's own settings, wherever they come from, and the addresses.</summary>
    /// <exception cref="DataFolderException">One of them does not exist, or an address is none.</exception>
    public static void Require(IConfiguration configuration)
    {
        foreach (var (path, value) in configuration.GetSection(Section).AsEnumerable(makePathsRelative: true))
        {
            if (value is not null && path is not ("" or "Logs:Format")) // read before there are options: how errors of theirs are logged
            {
                Require(path);
            }
        }
        foreach (var url in (configuration["urls"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!IsAddress(url))
            {
                throw new DataFolderException($"--urls holds '{url}'; an address is http://HOST:PORT.");
            }
        }
    }

    private static void Require(string path)
    {
        var (type, at) = (typeof(GatewayOptions), Section);
        foreach (var part in path.Split(':'))
        {
            if (type.Assembly != typeof(GatewayOptions).Assembly)
            {
                return; // a list, whose members have numbers, or a value
            }
            var property = type.GetProperty(part, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase)
                ?? throw new DataFolderException($"'{Section}:{path}' is no setting; in {at} there are {string.Join(", ", type.GetProperties().Where(one => one.CanWrite).Select(one => one.Name).Order(StringComparer.Ordinal))}.");
            (type, at) = (property.PropertyType, $"{at}:{property.Name}");
        }
    }

    // Variables (OTEL_…, LOGLINE_SECRETS) can stand on a command line as well, and the sections of others have colons.
    private static bool IsOption(string name) =>
        name.Contains(':') || Options.Contains(name, StringComparer.OrdinalIgnoreCase) || (name.Length > 0 && name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_'));

    private static bool IsAddress(string url)
    {
        try
        {
            return BindingAddress.Parse(url).Port is >= 0 and <= 65535;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
