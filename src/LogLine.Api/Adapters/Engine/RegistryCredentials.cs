using System.Text.Json;
using System.Text.Json.Serialization;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Engine;

/// <summary>A registry that wants to know who asks: an item of <c>LogLine:Engines:Registries</c>.</summary>
public sealed class RegistryOptions
{
    /// <summary>Host, and port if it has one, as names of images begin with it: <c>registry.example.org</c>, <c>docker.io</c>.</summary>
    public string Host { get; set; } = "";

    /// <summary>A file that only its owner may read, with <c>{"username":"…","password":"…"}</c>; a token goes where the password is.</summary>
    public string CredentialsFile { get; set; } = "";
}

/// <summary>
/// Who the gateway is to the registries of the operator's list. The file is read anew for each pull and push, so that a new password needs no restart; what is in it goes to the
/// engine and nowhere else. A registry that is not on the list is asked without.
/// </summary>
internal sealed class RegistryCredentials
{
    /// <summary>{} in base64: pushing wants it said that there are none.</summary>
    public const string None = "e30=";

    const int MaxBytes = 16 << 10;

    readonly Dictionary<string, string> files;

    RegistryCredentials(Dictionary<string, string> files) => this.files = files;

    public static RegistryCredentials Of(IEnumerable<RegistryOptions> registries) =>
        new(registries.ToDictionary(registry => registry.Host, registry => registry.CredentialsFile, StringComparer.OrdinalIgnoreCase));

    /// <summary>The value of <c>X-Registry-Auth</c> for the registry of an image.</summary>
    /// <exception cref="AdapterException">The file cannot be used.</exception>
    public string HeaderFor(ImageReference image) => Find(image) is { } found
        ? Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(found with { ServerAddress = image.Registry }, RegistryJson.Default.RegistryLogin)).Replace('+', '-').Replace('/', '_')
        : None;

    /// <summary>The file that command lines read (<c>config.json</c> of Docker's), for the registry of an image; null when there are no credentials.</summary>
    /// <exception cref="AdapterException">The file cannot be used.</exception>
    public byte[]? ConfigFor(ImageReference image)
    {
        if (Find(image) is not { } found)
            return null;
        // Docker's own registry has another name in this file.
        var server = image.Registry == "docker.io" ? "https://index.docker.io/v1/" : image.Registry;
        var auth = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{found.Username}:{found.Password}"));
        return JsonSerializer.SerializeToUtf8Bytes(new RegistryConfig(new() { [server] = new(auth) }), RegistryJson.Default.RegistryConfig);
    }

    RegistryLogin? Find(ImageReference image)
    {
        if (!files.TryGetValue(image.Registry, out var path))
            return null;
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
                throw Unusable(image, "others than its owner may read or write it: chmod 600");
            if (new FileInfo(path).Length > MaxBytes)
                throw Unusable(image, $"it has more than {MaxBytes} bytes");
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), RegistryJson.Default.RegistryLogin) is { Username.Length: > 0, Password.Length: > 0 } login
                ? login
                : throw Unusable(image, "username or password is missing");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(image, "it cannot be read");
        }
        catch (JsonException)
        {
            // Not its message: it could quote what it stumbled over.
            throw Unusable(image, """it is not {"username":"…","password":"…"}""");
        }
    }

    // Neither the path nor a word of the file: this sentence goes to clients.
    static AdapterException Unusable(ImageReference image, string why) => new(AdapterFailure.Refused, $"The credentials file that the operator named for {image.Registry} cannot be used: {why}.");
}

/// <summary>A login as engines take it in a header.</summary>
internal sealed record RegistryLogin([property: JsonPropertyName("username")] string? Username, [property: JsonPropertyName("password")] string? Password)
{
    [JsonPropertyName("serveraddress")] public string? ServerAddress { get; init; }

    /// <summary>Nothing of it is for eyes.</summary>
    public override string ToString() => "«login»";
}

/// <summary>Logins as command lines take them in a file.</summary>
internal sealed record RegistryConfig([property: JsonPropertyName("auths")] Dictionary<string, RegistryAuth> Auths);

/// <summary>User and password, joined by ':', in base64.</summary>
internal sealed record RegistryAuth([property: JsonPropertyName("auth")] string Auth)
{
    /// <summary>Nothing of it is for eyes.</summary>
    public override string ToString() => "«login»";
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RegistryLogin))]
[JsonSerializable(typeof(RegistryConfig))]
internal sealed partial class RegistryJson : JsonSerializerContext;
