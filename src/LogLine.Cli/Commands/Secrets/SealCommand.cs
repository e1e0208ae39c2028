using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Commands.MiniContainers;
using LogLine.Cli.Output;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.Secrets;

/// <summary>
/// <c>logline secrets seal</c>: encrypts a secret to runners, here, so that it leaves this machine sealed (contract, section 6). Only grants of this
/// profile's key let it out.
/// </summary>
internal static class SealCommand
{
    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "The secret, every byte of it, a last line end too; - is standard input." };
        var id = new Option<string>("--id") { HelpName = "ID", Required = true, Description = "The artifact's id in the manifest, for example secret_db." };
        var type = new Option<string>("--type") { HelpName = "TYPE", DefaultValueFactory = _ => "secret", Description = "The artifact's type." };
        var runners = new Option<string[]>("--runner") { HelpName = "KID", AllowMultipleArgumentsPerToken = true, Description = "Who may open it: ids of runner keys [all that the gateway has]. Again for more." };
        var output = new Option<string>("--out", "-o") { HelpName = "FILE", Required = true, Description = "Where the sealed bytes go." };
        var manifest = new Option<string?>("--manifest") { HelpName = "FILE", Description = "Put the artifact into this manifest; its signature goes, 'apply' makes a new one." };
        return tree.Leaf("seal", "Encrypt a secret to runners.",
            call => RunAsync(call, call.Get(file), new SealRequest(call.Get(id)!, call.Get(type)!, call.Get(runners) ?? [], call.Get(output)!, call.Get(manifest))), file, id, type, runners, output, manifest);
    }

    private static async Task<int> RunAsync(Call call, string path, SealRequest wish)
    {
        if (wish.Id.Length is 0 or > 64 || !wish.Id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
        {
            return call.Screen.Refuse(CommandFailure.Usage($"'{wish.Id}' is no id of an artifact: 1 to 64 of letters, digits, '_' and '-'."));
        }
        if (call.Connection().Fails(out var failure, out var connection)
            || connection.Tenant().Fails(out failure, out var tenant)
            || connection.Signer().Fails(out failure, out var signer))
        {
            return call.Screen.Refuse(failure);
        }
        using var owned = signer;
        if ((await RunnersAsync(call, wish.Runners)).Fails(out failure, out var runners) || InputFile.Read(path, call.Shell.Input, SealedArtifact.MaxSecretBytes).Fails(out failure, out var secret))
        {
            return call.Screen.Refuse(failure);
        }
        if (secret.Length == 0)
        {
            return call.Screen.Refuse(CommandFailure.Usage("The secret is empty."));
        }
        var (bytes, artifact) = SealedArtifact.Seal(secret, new ArtifactOwner(wish.Id, wish.Type, tenant, signer.Kid), runners);
        CryptographicOperations.ZeroMemory(secret);
        failure = OutputFile.WriteBytes(wish.Output, bytes);
        if (failure is null && wish.Manifest is not null)
        {
            failure = ManifestFile.Put(wish.Manifest, "artifacts", artifact);
        }
        return failure is not null ? call.Screen.Refuse(failure) : Report(call, wish, artifact, runners);
    }

    private static async Task<Attempt<IReadOnlyList<RunnerKey>>> RunnersAsync(Call call, string[] wanted)
    {
        if (call.OpenGateway().Fails(out var failure, out var gateway))
        {
            return failure;
        }
        using var opened = gateway;
        if ((await gateway.GetAsync("/v1/keys", call.Stop)).Fails(out failure, out var keys))
        {
            return failure;
        }
        var known = keys.Items("keys").Where(key => key.Text("use") == "runner").Select(Runner).OfType<RunnerKey>().ToList();
        if (wanted.Except(known.Select(key => key.Kid)).FirstOrDefault() is { } stranger)
        {
            return CommandFailure.Usage($"The gateway has no runner key '{stranger}'{(known.Count == 0 ? "" : $"; it has {string.Join(", ", known.Select(key => key.Kid))}")}.");
        }
        var chosen = known.Where(key => wanted.Length == 0 || wanted.Contains(key.Kid)).ToList();
        return chosen.Count > 0 ? chosen : new CommandFailure("key", "The gateway has no runner key: nobody could open the secret.", "Start a worker; its key is in GET /v1/keys with use 'runner'.");
    }

    private static RunnerKey? Runner(JsonElement key)
    {
        var bytes = new byte[32];
        return key.Text("kid") is { } kid && Convert.FromHexString(key.Text("public_key") ?? "", bytes, out _, out var length) == System.Buffers.OperationStatus.Done && length == 32
            ? new RunnerKey(kid, bytes)
            : null;
    }

    private static int Report(Call call, SealRequest wish, CanonicalJson artifact, IReadOnlyList<RunnerKey> runners) => call.Screen.Result(
        json =>
        {
            json.WriteStartObject();
            json.WriteString("file", wish.Output);
            json.WritePropertyName("artifact");
            artifact.Root.WriteTo(json);
            json.WriteEndObject();
        },
        line =>
        {
            line($"Sealed to {string.Join(", ", runners.Select(runner => runner.Kid))}: {wish.Output}", Tone.Good);
            line($"  hash  {artifact.Root.Text("hash")}", Tone.Plain);
            line(wish.Manifest is null ? "  put it into a manifest with --manifest, or the member 'artifact' of --json by hand" : $"  {wish.Manifest} names it", Tone.Plain);
            line($"  next: logline wallet grant create {wish.Id} --manifest {wish.Manifest ?? "FILE"} --aud podman", Tone.Quiet);
        });

    private sealed record SealRequest(string Id, string Type, string[] Runners, string Output, string? Manifest);
}
