using LogLine.Api.Adapters.Engine;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>What kind of failure it was, by the words of a command that failed: there is nothing else to tell it by.</summary>
internal static class CommandErrors
{
    static readonly string[] Away = ["cannot access containerd socket", "cannot connect to podman", "unable to connect to podman socket", "connection refused\" podman", "is the docker daemon running"];
    static readonly string[] Missing = ["no such container", "no such object", "no container with name or id"];
    static readonly string[] Thingless = ["network not found", "no such network", "no such volume", "no network found"];
    static readonly string[] Imageless = ["image not known", "no such image", "image is not available", "failed to find image"];

    /// <summary>The kind.</summary>
    public static AdapterFailure Classify(string errors) =>
        Says(errors, Away) ? AdapterFailure.Unavailable
        : Says(errors, Missing) || Says(errors, Thingless) ? AdapterFailure.NotFound
        : Says(errors, Imageless) ? AdapterFailure.ImageNotFound
        : Says(errors, ["is already used by"]) ? AdapterFailure.NameTaken
        : EngineQuirks.Classify(0, errors);

    /// <summary>The failure, in the command's own words.</summary>
    public static AdapterException Of(CommandResult result) => new(Classify(result.Errors), Words(result));

    /// <summary>Its own words, without the word that says that it is an error.</summary>
    public static string Words(CommandResult result) => result.Errors.Length == 0
        ? $"exit code {result.ExitCode} without a word"
        : result.Errors.StartsWith("Error: ", StringComparison.Ordinal) ? result.Errors["Error: ".Length..] : result.Errors;

    /// <summary>The same of a command that says before how far it is: from the last word of an error on.</summary>
    public static string LastWords(CommandResult result)
    {
        const string Error = "Error: ";
        var at = result.Errors.LastIndexOf("\n" + Error, StringComparison.Ordinal);
        return at < 0 ? Words(result) : result.Errors[(at + 1 + Error.Length)..];
    }

    /// <summary>True when it was a path in a container that is not there.</summary>
    public static bool IsMissingPath(string errors) => Says(errors, ["could not be found", "no such file or directory", "must be a directory", "not found in container"]);

    static bool Says(string errors, string[] words) => words.Any(one => errors.Contains(one, StringComparison.OrdinalIgnoreCase));
}
