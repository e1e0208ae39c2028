using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.Keys;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;
using LogLine.Protocol.Spans;

namespace LogLine.Cli.Commands;

/// <summary>
/// <c>logline init</c>: a key pair into a 0600 file, its public half registered with the tenant, the rest into config.json. Again, it says
/// what is there; a key that is there is used, never replaced without <c>--force</c>.
/// </summary>
internal static class InitCommand
{
    private static readonly string[] Usage = ["sign", "admin"];

    public static Command Create(CommandTree tree)
    {
        var bootstrap = new Option<string?>("--bootstrap") { HelpName = "FILE", Description = "The gateway's DIR/bootstrap.json: URL, tenant, token and log key come from it." };
        var kid = new Option<string?>("--kid") { HelpName = "KID", Description = "Id of the key; made from the key itself when left out." };
        var force = new Option<bool>("--force") { Description = "Make a new key even if there is one, and forget the old one." };
        return tree.Leaf("init", "Make a key, register it, and remember the gateway.",
            call => RunAsync(call, call.Get(bootstrap), call.Get(kid), call.Get(force)), bootstrap, kid, force);
    }

    private static async Task<int> RunAsync(Call call, string? bootstrapFile, string? kid, bool force)
    {
        if (kid is not null && !Identifiers.IsKid(kid))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{kid}' is no key id: 1 to 128 of letters, digits and '._:-'."));
        }
        if (ProfileStore.Read(call.Home).Fails(out var failure, out var profiles) || Wanted(call, bootstrapFile, profiles).Fails(out failure, out var wanted))
        {
            return call.Screen.Refuse(failure);
        }
        var stored = profiles.GetValueOrDefault(wanted.ProfileName);
        if (!force && stored is { Kid: not null, KeyFile: { } file } && SameGateway(stored, wanted.Profile) && (kid is null || kid == stored.Kid))
        {
            if (KeyFile.Read(file).Fails(out failure, out var present))
            {
                return call.Screen.Refuse(failure);
            }
            using (present)
            {
                return Report(call, wanted with { Profile = stored }, present, null);
            }
        }
        return await RegisterAsync(call, wanted, stored, kid, force);
    }

    /// <summary>Flags, then the bootstrap file, then environment and profile.</summary>
    private static Attempt<ConnectionSettings> Wanted(Call call, string? bootstrapFile, Dictionary<string, Profile> profiles)
    {
        var given = new Profile();
        if (bootstrapFile is not null && ReadBootstrap(bootstrapFile).Fails(out var failure, out given))
        {
            return failure;
        }
        var flags = call.Flags with
        {
            Url = call.Flags.Url ?? given.BaseUrl,
            Token = call.Flags.Token ?? given.ApiKey?.Reveal(),
            Tenant = call.Flags.Tenant ?? given.Tenant,
        };
        if (ConnectionSettings.Resolve(call.Home, flags, call.Shell.Variable, making: true).Fails(out failure, out var connection))
        {
            return failure;
        }
        var profile = connection.Profile;
        if (profiles.GetValueOrDefault(connection.ProfileName) is { } stored && (stored.BaseUrl != profile.BaseUrl || stored.ApiKey?.Reveal() != profile.ApiKey?.Reveal()))
        {
            // Another gateway or another token: what the old one was for says nothing about the new one.
            profile = profile with
            {
                Tenant = flags.Tenant ?? call.Shell.Variable("LOGLINE_TENANT"),
                Env = flags.Env,
                ServerPublicKey = stored.BaseUrl == profile.BaseUrl ? stored.ServerPublicKey : null,
            };
        }
        return connection with { Profile = profile with { ServerPublicKey = given.ServerPublicKey ?? profile.ServerPublicKey } };
    }

    private static Attempt<Profile> ReadBootstrap(string file)
    {
        if (InputFile.ReadJson(file).Fails(out var failure, out var json))
        {
            return failure with { Next = "The gateway writes it at its first start: <data folder>/bootstrap.json." };
        }
        var profile = new Profile
        {
            BaseUrl = json.Root.Text("base_url"),
            Tenant = json.Root.Text("tenant"),
            ApiKey = json.Root.Text("api_key") is { } token ? new SecretToken(token) : null,
            ServerPublicKey = json.Root.Text("server_public_key"),
        };
        return profile is { BaseUrl: not null, Tenant: not null, ApiKey: not null, ServerPublicKey: not null }
            ? profile
            : new CommandFailure("file", $"{file} lacks one of base_url, tenant, api_key, server_public_key.", "Name the bootstrap.json of the gateway's data folder.");
    }

    private static bool SameGateway(Profile stored, Profile wanted) =>
        stored.BaseUrl == wanted.BaseUrl && stored.Tenant == wanted.Tenant && stored.ApiKey?.Reveal() == wanted.ApiKey?.Reveal()
        && stored.ServerPublicKey == wanted.ServerPublicKey && stored.Env == wanted.Env;

    private static async Task<int> RegisterAsync(Call call, ConnectionSettings wanted, Profile? stored, string? kid, bool force)
    {
        if (GatewayClient.Open(wanted, call.Shell, call.Note).Fails(out var failure, out var gateway))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = gateway;
        if ((await LearnAsync(call, gateway, wanted.Profile)).Fails(out failure, out var profile))
        {
            return call.Screen.Refuse(failure);
        }
        var keyFile = call.Home.KeyFile(wanted.ProfileName);
        if (KeyFor(keyFile, force).Fails(out failure, out var key))
        {
            return call.Screen.Refuse(failure);
        }
        using var owned = key;
        kid ??= (force ? null : stored?.Kid) ?? KeyRegistration.DefaultKid(key);
        profile = profile with { Kid = kid, KeyFile = keyFile };
        var span = Registration(call, profile.Tenant!, kid, key);
        if ((await gateway.SubmitAsync(new SpanSubmission(span), null, call.Stop)).Fails(out failure, out var answer))
        {
            return call.Screen.Refuse(failure);
        }
        call.Receipts(wanted).Store(new SpanAck(answer), SpanDocument.View(span));
        return ProfileStore.Save(call.Home, wanted.ProfileName, profile) is { } unsaved
            ? call.Screen.Refuse(unsaved)
            : Report(call, wanted with { Profile = profile }, key, new SpanAck(answer));
    }

    /// <summary>Asks the gateway for what nobody said: tenant and environment of the token, the log key.</summary>
    private static async Task<Attempt<Profile>> LearnAsync(Call call, GatewayClient gateway, Profile profile)
    {
        if ((await gateway.GetAsync("/v1/whoami", call.Stop)).Fails(out var failure, out var me))
        {
            return failure;
        }
        profile = profile with { Tenant = profile.Tenant ?? me.Text("tenant"), Env = profile.Env ?? me.Text("env") };
        if (profile.Tenant is null)
        {
            return new CommandFailure("settings", "The gateway does not say which tenant the token is for.", "Add --tenant.");
        }
        if (profile.ServerPublicKey is not null)
        {
            return profile;
        }
        if ((await gateway.GetAsync("/v1/keys", call.Stop)).Fails(out failure, out var keys))
        {
            return failure;
        }
        // Oldest first: the last one is in force, or takes over soon and signs already.
        var logKey = keys.Items("keys").LastOrDefault(key => key.Text("use") == "log").Text("public_key");
        if (logKey is not null)
        {
            call.Note($"Log key {logKey}: taken from the gateway itself and pinned from now on. Compare it with the operator's.");
        }
        return profile with { ServerPublicKey = logKey };
    }

    private static Attempt<SigningKey> KeyFor(string file, bool force)
    {
        if (!force)
        {
            return KeyFile.ReadOrMake(file);
        }
        var key = SigningKey.Generate();
        if (KeyFile.Write(file, key, overwrite: true) is not { } failure)
        {
            return key;
        }
        key.Dispose();
        return failure;
    }

    // Unsigned: the key is not registered yet, so nothing it signs counts; the token's scope lets this through.
    private static CanonicalJson Registration(Call call, string tenant, string kid, SigningKey key) => new SpanDraft
    {
        Intent = KeyRegistration.Form.Intent,
        Subject = Identifiers.WalletSubject(tenant),
        EntityType = KeyRegistration.Form.EntityType,
        Actor = kid,
        Ts = call.Shell.Time.GetUtcNow(),
        Payload = json =>
        {
            json.WriteString("kind", KeyRegistration.Form.Kind);
            KeyRegistration.WritePayload(json, tenant, kid, key, Usage);
        },
    }.Build();

    private static int Report(Call call, ConnectionSettings connection, SigningKey key, SpanAck? registered)
    {
        var profile = connection.Profile;
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("profile", connection.ProfileName);
                json.WriteString("base_url", profile.BaseUrl);
                json.WriteString("tenant", profile.Tenant);
                json.WriteString("env", profile.Env);
                json.WriteString("kid", profile.Kid);
                json.WriteString("public_key", key.PublicKeyHex);
                json.WriteString("key_file", profile.KeyFile);
                json.WriteString("server_public_key", profile.ServerPublicKey);
                json.WriteBoolean("registered_now", registered is not null);
                json.WriteString("this", registered?.This);
                json.WriteEndObject();
            },
            line =>
            {
                line(registered is null ? $"Already there: profile '{connection.ProfileName}' in {call.Home.ConfigFile}" : $"Registered the key {profile.Kid}", Tone.Good);
                line($"  gateway  {profile.BaseUrl}", Tone.Plain);
                line($"  tenant   {profile.Tenant}{(profile.Env is { } env ? $" ({env})" : "")}", Tone.Plain);
                line($"  key      {profile.Kid}", Tone.Plain);
                line($"  file     {profile.KeyFile}", Tone.Plain);
                line($"  log key  {profile.ServerPublicKey ?? "not known: receipts verify needs --key"}", Tone.Plain);
            });
    }
}
