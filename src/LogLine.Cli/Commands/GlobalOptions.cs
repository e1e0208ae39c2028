using System.CommandLine;
using LogLine.Cli.Settings;

namespace LogLine.Cli.Commands;

/// <summary>Options that every command takes.</summary>
internal sealed class GlobalOptions
{
    private readonly Option<bool> _json = new("--json") { Description = "Results as JSON: one document, or one per line while watching.", Recursive = true };
    private readonly Option<string?> _profile = Text("--profile", "NAME", "The profile of config.json to use [LOGLINE_PROFILE; default].");
    private readonly Option<string?> _url = Text("--url", "URL", "The gateway [LOGLINE_URL; the profile's].");
    private readonly Option<string?> _token = Text("--token", "TOKEN", "The API token [LOGLINE_TOKEN; the profile's]. Others on this machine can see command lines: prefer the variable.");
    private readonly Option<string?> _tenant = Text("--tenant", "TENANT", "The tenant [LOGLINE_TENANT; the profile's].");
    private readonly Option<string?> _env = Text("--env", "ENV", "The environment: dev, stg or prd [the profile's].");

    public GlobalOptions() => _env.AcceptOnlyFromAmong("dev", "stg", "prd");

    /// <summary>Puts them on the root.</summary>
    public void AddTo(RootCommand root)
    {
        foreach (var option in new Option[] { _json, _profile, _url, _token, _tenant, _env })
        {
            root.Add(option);
        }
    }

    /// <summary>Whether results are JSON.</summary>
    public bool Json(ParseResult parse) => parse.GetValue(_json);

    /// <summary>What they say about the connection.</summary>
    public ConnectionFlags Connection(ParseResult parse) =>
        new(parse.GetValue(_profile), parse.GetValue(_url), parse.GetValue(_token), parse.GetValue(_tenant), parse.GetValue(_env));

    private static Option<string?> Text(string name, string value, string description) => new(name) { Description = description, HelpName = value, Recursive = true };
}
