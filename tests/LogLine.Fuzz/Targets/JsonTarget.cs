using System.Text;
using System.Text.Json;
using LogLine.Fuzz.Mutation;
using LogLine.Protocol.Json;

namespace LogLine.Fuzz.Targets;

/// <summary>The strict reader. What it takes has exactly one form, and so has what is left when a member is taken out.</summary>
internal sealed class JsonTarget : IFuzzTarget
{
    private static readonly string[] Written =
    [
        """{"b":1,"a":[true,false,null,"é\u0301",-9007199254740991],"\u00e9":{"x":{}}}""", """[[[[[[[[]]]]]]]]""", """{"\uD834\uDD1E":1,"𝄞x":"\"\\\/\b\f\n\r\t\u0000"}""", """ { "z" : [ ] , "y" : 0 } """,
        """{"A\u030a":1,"\u1e9b\u0323":2,"\ud7ff":3,"\ue000":4,"\ufffe":5}""", """[1.5,1e3,-0,123456789012345678901234567890]""", "\"x\"", "0",
    ];

    public IReadOnlyList<byte[]> Seeds { get; } = [.. Written.Select(Encoding.UTF8.GetBytes), .. Words.Files.Select(File.ReadAllBytes)];

    public byte[] Mutate(byte[] input, byte[] other, Random random) => Mutation.Json.Change(input, other, random);

    public string Run(byte[] input)
    {
        if (!CanonicalJson.TryRead(input, out var json, out var fault))
        {
            return "refused " + Kind(fault.Message);
        }
        if (json.Obstacles.Count > 0)
        {
            return "obstacle " + json.Obstacles.Count;
        }
        AssertOneForm(json.Utf8.Span);
        if (json.Root.ValueKind == JsonValueKind.Object && json.Root.EnumerateObject().FirstOrDefault() is { Value.ValueKind: not JsonValueKind.Undefined } member)
        {
            AssertOneForm(CanonicalJson.BytesWithout(json.Root, json.Root, member.Name));
        }
        return $"read {json.Root.ValueKind} {json.Utf8.Length.ToString().Length}";
    }

    public void Enter(byte[] input) => CanonicalJson.TryRead(input, out _, out _);

    private static void AssertOneForm(ReadOnlySpan<byte> canonical)
    {
        if (!CanonicalJson.TryRead(canonical, out var again, out var fault))
        {
            throw new BrokenPromiseException("What was read is refused when it is read again: " + fault.Message);
        }
        if (!again.Utf8.Span.SequenceEqual(canonical))
        {
            throw new BrokenPromiseException("What was read has another form when it is read again.");
        }
        // Behind a space it is not recognised, but written anew.
        if (!CanonicalJson.TryRead([(byte)' ', .. canonical], out var written, out _) || !written.Utf8.Span.SequenceEqual(canonical))
        {
            throw new BrokenPromiseException("What is recognised as canonical is written otherwise.");
        }
    }

    /// <summary>A message without what it shows of the input.</summary>
    public static string Kind(string message) => new([.. message.TakeWhile(c => c is not ('\'' or '"')).Where(c => char.IsAsciiLetter(c) || c == ' ').Take(60)]);

    public void Renew()
    {
    }

    public void Dispose()
    {
    }
}
