using System.Buffers;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.MiniContainers;

namespace LogLine.Cli.Settings;

/// <summary>The ref that this profile applied last, so that the commands after it need not repeat 64 hex characters.</summary>
internal static class LastApplied
{
    private const string Next = "Give one with --ref, or apply a manifest first: logline minicontainer apply FILE --name NAME";

    /// <summary>Remembers a ref. Losing it costs a convenience, so a full disk is no failure of the command that succeeded.</summary>
    public static void Save(HomeFolder home, string profile, MiniContainerRef reference)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("last_ref", reference.ToString());
            json.WriteEndObject();
        }
        try
        {
            HomeFolder.Write(home.StateFile(profile), buffer.WrittenSpan);
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>The ref that <paramref name="given"/> spells, else the one applied last.</summary>
    /// <param name="note">Told which one was taken when none was given.</param>
    public static Attempt<MiniContainerRef> Choose(HomeFolder home, string profile, string? given, Action<string> note)
    {
        if (given is not null)
        {
            return MiniContainerRef.TryParse(given, out var parsed)
                ? parsed
                : CommandFailure.Usage($"'{given}' is no ref; the full form is {MiniContainerRef.Form}.", "'logline minicontainer apply' prints it.");
        }
        if (Read(home.StateFile(profile)) is not { } last)
        {
            return CommandFailure.Usage($"No ref: nothing was applied with the profile '{profile}' yet.", Next);
        }
        note($"Using the ref applied last: {last}");
        return last;
    }

    private static MiniContainerRef? Read(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            return MiniContainerRef.TryParse(document.RootElement.Text("last_ref"), out var reference) ? reference : null;
        }
        catch (Exception defect) when (defect is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
