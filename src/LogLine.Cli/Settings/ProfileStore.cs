using System.Buffers;
using System.Text.Json;
using LogLine.Protocol.Json;

namespace LogLine.Cli.Settings;

/// <summary><c>config.json</c>: <c>{"version":1,"profiles":{"&lt;name&gt;":{"base_url","tenant","api_key","kid","key_file","env","server_public_key"}}}</c>.</summary>
internal static class ProfileStore
{
    private const int MaxBytes = 1 << 20;

    /// <summary>The profiles by name; none when there is no file yet.</summary>
    public static Attempt<Dictionary<string, Profile>> Read(HomeFolder home)
    {
        var profiles = new Dictionary<string, Profile>();
        try
        {
            var file = new FileInfo(home.ConfigFile);
            if (!file.Exists)
            {
                return profiles;
            }
            if (file.Length > MaxBytes)
            {
                return new CommandFailure("settings", $"{home.ConfigFile} is larger than {MaxBytes} bytes; it is not a file of this program.");
            }
            using var document = JsonDocument.Parse(File.ReadAllBytes(home.ConfigFile));
            if (document.RootElement.Integer("version") != 1)
            {
                return new CommandFailure("settings", $"{home.ConfigFile} is not of version 1.", "A newer logline made it: update this one, or set LOGLINE_HOME to another folder.");
            }
            if (document.RootElement.Member("profiles") is { ValueKind: JsonValueKind.Object } all)
            {
                foreach (var entry in all.EnumerateObject())
                {
                    profiles[entry.Name] = Parse(entry.Value);
                }
            }
            return profiles;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            return CommandFailure.File(home.ConfigFile, defect);
        }
        catch (JsonException defect)
        {
            return new CommandFailure("settings", $"{home.ConfigFile} is not JSON (line {defect.LineNumber + 1}).", "Mend it, or move it away and run 'logline init' again.");
        }
    }

    /// <summary>Puts one profile in its place and keeps the others.</summary>
    public static CommandFailure? Save(HomeFolder home, string name, Profile profile)
    {
        if (Read(home).Fails(out var failure, out var profiles))
        {
            return failure;
        }
        profiles[name] = profile;
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", 1);
            json.WriteStartObject("profiles");
            foreach (var (key, value) in profiles.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                json.WritePropertyName(key);
                Write(json, value);
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        try
        {
            HomeFolder.Write(home.ConfigFile, buffer.WrittenSpan);
            return null;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
            return CommandFailure.File(home.ConfigFile, defect);
        }
    }

    private static Profile Parse(JsonElement json) => new()
    {
        BaseUrl = json.Text("base_url"),
        Tenant = json.Text("tenant"),
        ApiKey = json.Text("api_key") is { } token ? new SecretToken(token) : null,
        Kid = json.Text("kid"),
        KeyFile = json.Text("key_file"),
        Env = json.Text("env"),
        ServerPublicKey = json.Text("server_public_key"),
    };

    private static void Write(Utf8JsonWriter json, Profile profile)
    {
        json.WriteStartObject();
        var members = new (string, string?)[]
        {
            ("base_url", profile.BaseUrl), ("tenant", profile.Tenant), ("api_key", profile.ApiKey?.Reveal()), ("kid", profile.Kid),
            ("key_file", profile.KeyFile), ("env", profile.Env), ("server_public_key", profile.ServerPublicKey),
        };
        foreach (var (name, value) in members)
        {
            if (value is not null)
            {
                json.WriteString(name, value);
            }
        }
        json.WriteEndObject();
    }
}
