using System.Text.Json;
using LogLine.Protocol.Crypto;

namespace LogLine.Protocol.Tests.Crypto;

public sealed class Ed25519Tests
{
    /// <summary>Seed, public key, message and signature of RFC 8032, section 7.1, tests 1 to 3.</summary>
    public static TheoryData<string, string, string, string> Rfc8032 => new()
    {
        {
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        },
        {
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        },
        {
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        },
    };

    [Theory]
    [MemberData(nameof(Rfc8032))]
    public void Rfc8032Vector_SignsAndVerifies(string seed, string publicKey, string message, string signature)
    {
        using var key = SigningKey.FromSeed(Convert.FromHexString(seed));
        Assert.Equal(publicKey, key.PublicKeyHex);
        Assert.Equal(signature, Convert.ToHexStringLower(key.Sign(Convert.FromHexString(message))));
        Assert.True(Verify(publicKey, message, signature));
    }

    [Fact]
    public void EveryWycheproofCase_GetsItsVerdict()
    {
        using var document = Read("wycheproof_ed25519_test.json");
        var seen = 0;
        foreach (var group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            var publicKey = group.GetProperty("publicKey").GetProperty("pk").GetString()!;
            foreach (var one in group.GetProperty("tests").EnumerateArray())
            {
                var expected = one.GetProperty("result").GetString() == "valid";
                var verdict = Verify(publicKey, one.GetProperty("msg").GetString()!, one.GetProperty("sig").GetString()!);
                Assert.True(expected == verdict, $"tcId {one.GetProperty("tcId")}: {one.GetProperty("comment")}");
                seen++;
            }
        }
        Assert.Equal(151, seen);
    }

    /// <summary>
    /// The cases of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko) on which libraries differ. This is the rule of libsodium: the
    /// equation without cofactor; no S of L or more; no A or R of small order or in another spelling than its own.
    /// </summary>
    private static readonly (bool Accepted, string Why)[] SpeccheckVerdicts =
    [
        (false, "A and R of small order, S = 0"),
        (false, "A of small order, R of mixed order"),
        (false, "A of mixed order, R of small order"),
        (true, "A and R of mixed order, and the equation without cofactor holds"),
        (false, "holds only with the cofactor"),
        (false, "holds only with the cofactor, applied to the points and not to the hash"),
        (false, "S is L or more"),
        (false, "S is far above L"),
        (false, "R of small order, not in its own spelling; hashed as it stands"),
        (false, "R of small order, not in its own spelling; hashed as it should be spelt"),
        (false, "A of small order, not in its own spelling; hashed as it stands"),
        (false, "A of small order, not in its own spelling; hashed as it should be spelt"),
    ];

    [Fact]
    public void EverySpeccheckCase_GetsLibsodiumsVerdict()
    {
        using var document = Read("speccheck_cases.json");
        var cases = document.RootElement.EnumerateArray().ToArray();
        Assert.Equal(SpeccheckVerdicts.Length, cases.Length);
        for (var i = 0; i < cases.Length; i++)
        {
            var verdict = Verify(Text(cases[i], "pub_key"), Text(cases[i], "message"), Text(cases[i], "signature"));
            Assert.True(SpeccheckVerdicts[i].Accepted == verdict, $"Case {i}: {SpeccheckVerdicts[i].Why}");
        }
    }

    [Theory]
    [InlineData(31, 64)]
    [InlineData(33, 64)]
    [InlineData(32, 63)]
    [InlineData(32, 65)]
    [InlineData(0, 0)]
    public void AWrongLength_IsRefused(int publicKeyBytes, int signatureBytes) =>
        Assert.False(Ed25519.Verify(new byte[publicKeyBytes], [], new byte[signatureBytes]));

    private static bool Verify(string publicKey, string message, string signature) =>
        Ed25519.Verify(Convert.FromHexString(publicKey), Convert.FromHexString(message), Convert.FromHexString(signature));

    private static string Text(JsonElement one, string name) => one.GetProperty(name).GetString()!;

    private static JsonDocument Read(string file) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Vectors.Folder("ed25519"), file)));
}
