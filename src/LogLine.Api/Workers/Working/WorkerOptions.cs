using LogLine.Api.Ledger;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Api.Workers.Working;

/// <summary>Options of the role <c>worker</c>, section <c>LogLine:Worker</c> of the configuration.</summary>
public sealed class WorkerOptions
{
    /// <summary>Where its gateway is, for example <c>https://gateway.example:8443</c>; of several gateways on one ledger all of them, separated by commas.</summary>
    public string? Gateway { get; set; }

    /// <summary>A file with a token of the scope <c>runner</c>; read again when the token is refused, so that it can be replaced under a running worker.</summary>
    public string? TokenFile { get; set; }

    /// <summary>The token itself (environment: <c>LogLine__Worker__Token</c>), where there is no file.</summary>
    public string? Token { get; set; }

    /// <summary>What it is called in spans: 1 to 63 of a-z, 0-9, _ and -. Default: the machine's name.</summary>
    public string Name { get; set; } = DefaultName();

    /// <summary>The gateway's public span key, 64 hex characters. Without it the key is pinned at first contact, in <c>gateway.pin</c> of the data folder.</summary>
    public string? ServerKey { get; set; }

    /// <summary>The addresses.</summary>
    /// <exception cref="DataFolderException">There is none, or one that is no URL.</exception>
    public IReadOnlyList<Uri> Addresses()
    {
        var addresses = new List<Uri>();
        foreach (var text in (Gateway ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            addresses.Add(Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
                ? address
                : throw new DataFolderException($"LogLine:Worker:Gateway holds '{text}'; an address is http://HOST:PORT or https://HOST[:PORT]."));
        }
        return addresses.Count > 0 ? addresses : throw new DataFolderException("A worker needs its gateway's address: --LogLine:Worker:Gateway=https://HOST:PORT (docs/workers.md).");
    }

    /// <summary>The token as it is now.</summary>
    /// <exception cref="DataFolderException">There is none.</exception>
    public string ReadToken()
    {
        try
        {
            return (TokenFile is { Length: > 0 } file ? File.ReadAllText(file) : Token)?.Trim() is { Length: > 0 } token && !token.Any(char.IsControl)
                ? token
                : throw new DataFolderException("A worker needs a token of the scope runner: --LogLine:Worker:TokenFile=FILE (docs/workers.md).");
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            throw new DataFolderException($"The token file cannot be read: {missing.Message}", missing);
        }
    }

    /// <summary>Says what is wrong with the name.</summary>
    /// <exception cref="DataFolderException">It is no name.</exception>
    public void CheckName()
    {
        if (!Identifiers.IsName(Name))
        {
            throw new DataFolderException($"LogLine:Worker:Name is '{Name}'; a name is 1 to 63 of a-z, 0-9, _ and -, and begins with a letter or digit.");
        }
    }

    private static string DefaultName()
    {
        var name = new string([.. Environment.MachineName.ToLowerInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-')]).Trim('-');
        return name.Length is > 0 and <= 63 ? name : "worker";
    }
}
