using System.Text;
using System.Text.Json;
using LogLine.Protocol.Json;
using LogLine.Protocol.Merkle;
using LogLine.Protocol.Spans;

namespace LogLine.Protocol.Tests.Merkle;

/// <summary>
/// Every parser of the log's formats that takes bytes from outside: whatever comes, it answers and does not throw; and what it takes it would have written the same
/// way, so that nothing has two spellings. Inputs are valid texts with a few random changes, so that most get past the first line.
/// </summary>
public sealed class OutsideBytesTests
{
    private const int Rounds = 20_000;
    private const string Origin = "logline.example/ledger";
    private static readonly byte[] LogKey = SignedNoteTests.Key(1).PublicKey.ToArray();
    private static readonly byte[] WitnessKey = SignedNoteTests.Key(2).PublicKey.ToArray();
    private static readonly Dictionary<string, byte[]> Valid = Samples();

    public static TheoryData<string> Formats => [.. Valid.Keys];

    [Theory]
    [MemberData(nameof(Formats))]
    public void WhateverComes_IsAnsweredAndHasOneSpelling(string format)
    {
        var random = new Random(format.Length + (format[0] << 8));
        Assert.True(Holds(format, Valid[format]), $"the valid {format} itself");
        var taken = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var bytes = Changed(Valid[format], random);
            taken += Holds(format, bytes) ? 1 : 0;
        }
        Assert.NotEqual(Rounds, taken);
    }

    /// <summary>True when the parser takes it; fails when what it took is not what it would write.</summary>
    private static bool Holds(string format, byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        switch (format)
        {
            case "note":
                return SignedNote.TryParse(text, out var body, out _) && Same(text, SignedNote.Select(text, _ => true, out _)) && text.StartsWith(body, StringComparison.Ordinal);
            case "checkpoint":
                // Extension lines are read over, and are the only thing that is.
                return Checkpoint.TryParse(text, out var checkpoint) && text.StartsWith(checkpoint.Body, StringComparison.Ordinal);
            case "proof":
                return TlogProof.TryParse(text, out var proof) && Same(text, TlogProof.Write(proof.Extra, proof.Index, proof.Hashes, proof.Checkpoint));
            case "add-checkpoint":
                return AddCheckpoint.TryParse(text, out var request, out _) && Same(text, request.Write());
            case "verdict":
                return WitnessRules.Judge(text, _ => [LogKey], _ => new Checkpoint(Origin, 1, new byte[32]), out _, out _) != WitnessVerdict.Malformed;
            case "tile":
                return TileId.TryParse(text, out var id, out var width) && Same(text, id.Path(width));
            case "bundle path":
                return EntryBundle.TryParsePath(text, out var index, out var count) && Same(text, EntryBundle.Path(index, count));
            case "bundle":
                return EntryBundle.TryRead(bytes, out var entries) && Same(Convert.ToHexString(bytes), Convert.ToHexString(EntryBundle.Write(entries)));
            case "vkey":
                return SignedNote.TryParseVerifierKey(text, out var name, out var key) && Same(text, SignedNote.VerifierKey(name, key));
            case "witness vkey":
                return Cosignature.TryParseVerifierKey(text, out var witness, out var cosigner) && Same(text, Cosignature.VerifierKey(witness, cosigner));
            case "cosigned":
                _ = Cosignature.TryVerify(text, "witness.example/w1", WitnessKey, out _);
                return SignedNote.TryVerifyAny(text, Origin, [LogKey], out _);
            case "consistency":
                return CanonicalJson.TryRead(bytes, out var json, out _) && json.Obstacles.Count == 0 && LogConsistency.TryRead(json.Root, out var consistency) is null
                    && consistency.Steps([LogKey]).Count > 0;
            default:
                throw new ArgumentOutOfRangeException(nameof(format));
        }
    }

    private static bool Same(string expected, string actual)
    {
        Assert.Equal(expected, actual);
        return true;
    }

    private static byte[] Changed(byte[] valid, Random random)
    {
        var bytes = valid.ToList();
        for (var changes = random.Next(1, 4); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)"\n 0129+/=x.—-"u8[random.Next(12)]; break;
                case 2: bytes.RemoveAt(at); break;
                case 3: bytes.Insert(at, bytes[random.Next(bytes.Count)]); break;
                case 4: bytes.RemoveRange(at, random.Next(bytes.Count - at)); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(1, 60)))); break;
            }
        }
        return [.. bytes];
    }

    private static Dictionary<string, byte[]> Samples()
    {
        var key = SignedNoteTests.Key(1);
        var witness = SignedNoteTests.Key(2);
        var log = new WitnessedLog(Origin, key);
        var note = log.Note(9);
        Assert.True(SignedNote.TryAddLine(note, Cosignature.Line(log.Checkpoint(9).Body, "witness.example/w1", witness, 1), out var cosigned));
        var tree = new NaiveTree();
        tree.GrowTo(9);
        return new Dictionary<string, byte[]>
        {
            ["note"] = Encoding.UTF8.GetBytes(cosigned),
            ["cosigned"] = Encoding.UTF8.GetBytes(cosigned),
            ["checkpoint"] = Encoding.UTF8.GetBytes(log.Checkpoint(9).Body + "an extension\n"),
            ["proof"] = Encoding.UTF8.GetBytes(TlogProof.Write("entry"u8.ToArray(), 3, tree.Path(3, 9), note)),
            ["add-checkpoint"] = Encoding.UTF8.GetBytes(log.Request(5, 9).Write()),
            ["verdict"] = Encoding.UTF8.GetBytes(log.Request(5, 9).Write()),
            ["tile"] = "tile/2/x001/x234/067.p/12"u8.ToArray(),
            ["bundle path"] = "tile/entries/x001/x234/067.p/12"u8.ToArray(),
            ["bundle"] = EntryBundle.Write(["one"u8.ToArray(), [], "three"u8.ToArray()]),
            ["vkey"] = Encoding.UTF8.GetBytes(SignedNote.VerifierKey("a", key.PublicKey)),
            ["witness vkey"] = Encoding.UTF8.GetBytes(Cosignature.VerifierKey("a", witness.PublicKey)),
            ["consistency"] = Json(new LogConsistency { Origin = Origin, From = 5, To = 9, Hashes = tree.Proof(5, 9), OlderCheckpoint = log.Note(5), NewerCheckpoint = note }),
        };
    }

    private static byte[] Json(LogConsistency proof)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            proof.WriteTo(json);
        }
        return buffer.ToArray();
    }
}
