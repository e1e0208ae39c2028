using System.Reflection;
using LogLine.Api.Ledger;

namespace LogLine.Api;

/// <summary>What an operator has mistyped is said before anything is opened: a setting that there is not would be a default that nobody chose.</summary>
internal static class SettingNames
{
    private const string Section = "LogLine";
    private const string Role = "role";

    // Ours, and all that the host reads without a section.
    private static readonly HashSet<string> Options = new(
        ["data", "LOGLINE_DATA", "LOGLINE_SECRETS", Role, "AllowedHosts", "startupTimeoutSeconds", "servicesStartConcurrently", "servicesStopConcurrently", .. Keys(typeof(HostDefaults)), .. Keys(typeof(WebHostDefaults))], StringComparer.OrdinalIgnoreCase);

    /// <summary>Goes through the command line, in every form that the host reads: <c>--NAME VALUE</c>, <c>/NAME VALUE</c>, each with <c>=</c> as well, and <c>NAME=VALUE</c>.</summary>
    /// <exception cref="DataFolderException">Something in it is no option, or has no value.</exception>
    public static void Require(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            var (option, isWhole) = args[i].Split('=', 2) is [var key, _] ? (key, true) : (args[i], false);
            var name = option.StartsWith("--", StringComparison.Ordinal) ? option[2..] : option.StartsWith('/') ? option[1..] : option;
            // A bare word is a name only together with its value, and what is short for a setting is so behind dashes alone.
            var isRead = name != option || (isWhole && !Role.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (!isRead || !IsOption(name))
            {
                throw new DataFolderException($"'{option}' is no option: there are --data, --urls, --role and --LogLine:SECTION:NAME (logline-api --help).");
            }
            if (!isWhole && ++i == args.Length)
            {
                throw new DataFolderException($"{option} has no value.");
            }
        }
    }

    /// <summary>Goes through the gateway's own settings, wherever they come from, and the addresses.</summary>
    /// <exception cref="DataFolderException">One of them does not exist, or an address is none.</exception>
    public static void Require(IConfiguration configuration)
    {
        foreach (var (path, value) in configuration.GetSection(Section).AsEnumerable(makePathsRelative: true))
        {
            if (value is not null && path.Length > 0)
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
            if (type.IsGenericType && type.GetGenericArguments() is [var member])
            {
                (type, at) = (member, $"{at}:{part}"); // of a list, whose members have numbers
                continue;
            }
            if (type.Assembly != typeof(GatewayOptions).Assembly)
            {
                throw new DataFolderException($"'{Section}:{path}' is no setting: {at} is a value.");
            }
            // What has no setter follows from other settings.
            var settings = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(one => one.SetMethod is { IsPublic: true }).ToList();
            var property = settings.Find(one => one.Name.Equals(part, StringComparison.OrdinalIgnoreCase))
                ?? throw new DataFolderException($"'{Section}:{path}' is no setting; in {at} there are {string.Join(", ", settings.Select(one => one.Name).Order(StringComparer.Ordinal))}.");
            (type, at) = (property.PropertyType, $"{at}:{property.Name}");
        }
    }

    private static IEnumerable<string> Keys(Type defaults) => defaults.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null)).OfType<string>();

    // The sections of others have colons. Of variables those can stand on a command line that are read as settings; others (DOCKER_HOST) are read from the environment alone.
    private static bool IsOption(string name) => (name.Contains(':') && !name.StartsWith('-')) || Options.Contains(name) || name.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase);

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
