using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using LogLine.Api.Runs;

namespace LogLine.Api.Adapters.Nerdctl;

/// <summary>
/// What a command line answers as JSON: one document (an object, or an array of them), or one object on each line; versions differ in which. First the whole
/// is tried, then line by line. What is neither is an error, and so is a command that failed: never an empty list.
/// </summary>
internal static class CommandOutput
{
    /// <summary>The objects.</summary>
    /// <exception cref="AdapterException">The command failed, said more than was kept, or said what is no JSON of that shape.</exception>
    public static IReadOnlyList<T> Objects<T>(CommandResult result, JsonTypeInfo<T> type, JsonTypeInfo<T[]> array, string what)
    {
        EnsureWhole(result, what);
        var text = result.Output.AsSpan().Trim(" \t\r\n"u8);
        if (text.IsEmpty)
            return [];
        try
        {
            return text[0] == (byte)'[' ? JsonSerializer.Deserialize(text, array) ?? throw new JsonException("null") : [Read(text, type)];
        }
        catch (JsonException whole)
        {
            return Lines(text.ToArray(), type, what, whole);
        }
    }

    /// <summary>The text, all of it.</summary>
    /// <exception cref="AdapterException">The command failed, or said more than was kept.</exception>
    public static string Whole(CommandResult result, string what)
    {
        EnsureWhole(result, what);
        return Encoding.UTF8.GetString(result.Output);
    }

    static void EnsureWhole(CommandResult result, string what)
    {
        if (result.ExitCode != 0)
            throw CommandErrors.Of(result);
        if (result.Dropped > 0)
            throw new AdapterException(AdapterFailure.Unavailable, $"The answer is larger than {result.Output.Length} bytes ({what})");
    }

    static List<T> Lines<T>(byte[] text, JsonTypeInfo<T> type, string what, JsonException whole)
    {
        var (objects, number) = (new List<T>(), 0);
        foreach (var range in text.AsSpan().Split((byte)'\n'))
        {
            number++;
            var line = text.AsSpan(range).Trim(" \t\r"u8);
            if (line.IsEmpty)
                continue;
            try
            {
                objects.Add(Read(line, type));
            }
            catch (JsonException e)
            {
                throw new AdapterException(AdapterFailure.Unavailable, $"The answer is JSON neither as a whole ({whole.Message}) nor line by line (line {number}: {e.Message}) ({what})", e);
            }
        }
        return objects;
    }

    static T Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(json, type) ?? throw new JsonException("null");
}
