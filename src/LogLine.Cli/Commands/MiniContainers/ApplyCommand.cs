using System.CommandLine;
using System.Text.Json;
using LogLine.Cli.Client;
using LogLine.Cli.Output;
using LogLine.Cli.Settings;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Commands.MiniContainers;

/// <summary><c>logline minicontainer apply</c>: puts a manifest on the ledger, signed first where it is not, and remembers its ref.</summary>
internal static class ApplyCommand
{
    private static readonly SpanForm Form = new("minicontainer.apply", "contract", "minicontainer/manifest.v1");

    // Names that say what a file is, not which MiniContainer is in it.
    private static readonly string[] Generic = ["-", "manifest", "minicontainer"];

    public static Command Create(CommandTree tree)
    {
        var file = new Argument<string>("FILE") { Description = "The manifest, or a .llc, whose artifacts are uploaded first; - is standard input." };
        var name = new Option<string?>("--name") { HelpName = "NAME", Description = "Name of the MiniContainer [that of the file, or of the one service in deploy.targets]." };
        var subject = new Option<string?>("--subject") { HelpName = "URN", Description = "The same as a subject: urn:minicontainer:<tenant>/<name>." };
        var dryRun = DryRun.Option();
        return tree.Leaf("apply", "Declare or update a MiniContainer.",
            call => RunAsync(call, call.Get(file), call.Get(name), call.Get(subject), call.Get(dryRun)), file, name, subject, dryRun);
    }

    private static async Task<int> RunAsync(Call call, string path, string? name, string? subject, bool dry)
    {
        if (MiniContainerFile.Read(path, call.Shell.Input).Fails(out var failure, out var file)
            || ChooseName(call, path, name, subject, file.Manifest).Fails(out failure, out var chosen)
            || call.Connection().Fails(out failure, out var connection)
            || connection.Tenant().Fails(out failure, out var tenant)
            || call.Sender(connection).Fails(out failure, out var sender))
        {
            return call.Screen.Refuse(failure);
        }
        using var opened = sender;
        if (Ready(call, file.Manifest, sender.Signer).Fails(out failure, out var ready) || (!dry && (failure = await UploadAsync(call, sender, file.Artifacts)) is not null))
        {
            return call.Screen.Refuse(failure);
        }
        var span = sender.Compose(Form, Identifiers.MiniContainerSubject(tenant, chosen), json =>
        {
            json.WritePropertyName("manifest");
            ready.Root.WriteTo(json);
        });
        if (dry)
        {
            return await DryRun.ShowAsync(call, sender.Client, span.Root);
        }
        if ((await sender.SendAsync(span, call.Stop)).Fails(out failure, out var ack))
        {
            return call.Screen.Refuse(failure);
        }
        var reference = MiniContainerRef.Of(tenant, chosen, ready.Root);
        if (ack.Result.Text("ref") is { } answered && answered != reference.ToString())
        {
            return call.Screen.Refuse(new CommandFailure("verification", $"The gateway answers with the ref {answered}, but this manifest is {reference}.", "Do not use it: one of the two computes wrongly."));
        }
        LastApplied.Save(call.Home, connection.ProfileName, reference);
        return Report(call, ack, reference);
    }

    /// <summary>What the manifest names is there before the manifest is: whoever deploys it finds it whole.</summary>
    private static async Task<CommandFailure?> UploadAsync(Call call, SpanSender sender, IReadOnlyDictionary<string, byte[]> artifacts)
    {
        foreach (var (hash, bytes) in artifacts)
        {
            using var content = new MemoryStream(bytes, writable: false);
            if ((await sender.UploadAsync(hash, content, call.Stop)).Fails(out var failure, out var answer))
            {
                return failure;
            }
            call.Note($"Artifact {hash}: {(answer.Flag("changed") == false ? "there already" : "uploaded")}.");
        }
        return null;
    }

    private static Attempt<CanonicalJson> Ready(Call call, CanonicalJson manifest, ProfileSigner signer)
    {
        if (!ManifestSigning.IsSigned(manifest))
        {
            call.Note($"The manifest is not signed: signing it with {signer.Kid}.");
            return ManifestSigning.Sign(manifest, signer);
        }
        return ManifestCheck.Refusal(ManifestCheck.Of(manifest)) is { } refusal ? refusal : manifest;
    }

    private static Attempt<string> ChooseName(Call call, string path, string? name, string? subject, CanonicalJson manifest)
    {
        if (subject is not null)
        {
            if (!Identifiers.TryParseSubject(subject, out var kind, out _, out var inSubject) || kind != "minicontainer" || (name is not null && name != inSubject))
            {
                return CommandFailure.Usage($"'{subject}' is no subject of this MiniContainer.", "urn:minicontainer:<tenant>/<name>");
            }
            name = inSubject;
        }
        if (name is null)
        {
            var file = Path.GetFileName(path).Split('.')[0];
            var services = manifest.Root.Member("deploy").Items("targets").Select(target => target.Text("service")).Distinct().ToList();
            name = Generic.Contains(file) ? services is [{ } only] ? only : null : file;
            if (name is null)
            {
                return CommandFailure.Usage("Under which name? Neither the file's name nor deploy.targets says it.", $"logline minicontainer apply {path} --name web");
            }
            call.Note($"Applying it as '{name}'{(Generic.Contains(file) ? ", the service of its targets" : ", the name of the file")}.");
        }
        return Identifiers.IsName(name) ? name : CommandFailure.Usage($"'{name}' is no name for a MiniContainer: lower-case letters, digits, '-' and '_', at most 63.", "Give one with --name.");
    }

    private static int Report(Call call, SpanAck ack, MiniContainerRef reference)
    {
        var changed = ack.Result.Flag("changed") ?? true;
        return call.Screen.Result(
            json =>
            {
                json.WriteStartObject();
                json.WriteString("ref", reference.ToString());
                json.WriteBoolean("changed", changed);
                json.WriteString("this", ack.This);
                json.WritePropertyName("ack");
                ack.Root.WriteTo(json);
                json.WriteEndObject();
            },
            line =>
            {
                line(changed ? $"Applied {reference.Subject}" : $"Unchanged {reference.Subject}", Tone.Good);
                line($"  ref   {reference}", Tone.Plain);
                line($"  span  {ack.This} at {ack.LogIndex} in the log", Tone.Plain);
            });
    }
}
