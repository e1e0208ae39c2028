namespace LogLine.Cli.Settings;

/// <summary>An API token: it goes into one header and one file of mode 0600, and prints nothing.</summary>
internal sealed class SecretToken(string value)
{
    /// <summary>The token itself, for the header and the file.</summary>
    public string Reveal() => value;

    /// <summary>Never the token.</summary>
    public override string ToString() => "«secret»";
}
