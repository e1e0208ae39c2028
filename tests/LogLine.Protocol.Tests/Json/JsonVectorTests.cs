using System.Text;
using LogLine.Protocol.Crypto;
using LogLine.Protocol.Json;

namespace LogLine.Protocol.Tests.Json;

/// <summary>The public suites <c>json-atomic</c> and <c>json-parsing</c>.</summary>
public sealed class JsonVectorTests
{
    /// <summary>Documents that RFC 8259 allows and a stated rule of ours refuses.</summary>
    private static readonly Dictionary<string, string> Refused = new()
    {
        ["y_object_duplicated_key.json"] = "stands twice",
        ["y_object_duplicated_key_and_value.json"] = "stands twice",
    };

    /// <summary>Documents that are read and have no canonical form: fractions, exponents, minus zero.</summary>
    private static readonly HashSet<string> WithoutForm =
    [
        "y_number.json", "y_number_0e+1.json", "y_number_0e1.json", "y_number_double_close_to_zero.json", "y_number_int_with_exp.json", "y_number_minus_zero.json",
        "y_number_negative_zero.json", "y_number_real_capital_e.json", "y_number_real_capital_e_neg_exp.json", "y_number_real_capital_e_pos_exp.json",
        "y_number_real_exponent.json", "y_number_real_fraction_exponent.json", "y_number_real_neg_exp.json", "y_number_real_pos_exponent.json",
        "y_number_simple_real.json", "y_object_extreme_numbers.json", "y_structure_lonely_negative_real.json",
    ];

    [Fact]
    public void JsonAtomic_ByteForByte()
    {
        foreach (var file in Vectors.Files("json-atomic", "*.json"))
        {
            var vector = CanonicalJson.Parse(File.ReadAllBytes(file)).Root;
            var input = CanonicalJson.Parse(Encoding.UTF8.GetBytes(vector.GetProperty("input").GetRawText())).Utf8;

            Assert.Equal(vector.GetProperty("expected_canon_hex").GetString(), Convert.ToHexStringLower(input.Span));
            Assert.Equal(vector.GetProperty("expected_cid_hex").GetString(), Blake3.HashHex(input.Span));
        }
    }

    [Fact]
    public void JsonParsing_WhatMustNotParse_IsRefused()
    {
        Assert.All(Vectors.Files("json-parsing", "n_*.json"), file =>
        {
            Assert.False(CanonicalJson.TryRead(File.ReadAllBytes(file), out _, out var fault), Path.GetFileName(file));
            Assert.NotEmpty(fault.Message);
        });
    }

    [Fact]
    public void JsonParsing_WhatMustParse_IsRead_UnlessAStatedRuleRefusesIt()
    {
        Assert.All(Vectors.Files("json-parsing", "y_*.json"), file =>
        {
            var name = Path.GetFileName(file);
            var read = CanonicalJson.TryRead(File.ReadAllBytes(file), out var json, out var fault);
            if (Refused.TryGetValue(name, out var rule))
            {
                Assert.False(read, name);
                Assert.Contains(rule, fault.Message);
                return;
            }
            Assert.True(read, $"{name}: {fault?.Message}");
            Assert.True(WithoutForm.Contains(name) == json.Obstacles.Count > 0, name);
            if (json.Obstacles.Count == 0)
            {
                Assert.Equal(json.Utf8.ToArray(), CanonicalJson.Parse(json.Utf8.Span).Utf8.ToArray());
            }
        });
    }

    [Fact]
    public void JsonParsing_WhatIsLeftOpen_IsDecidedWithoutADefect()
    {
        Assert.All(Vectors.Files("json-parsing", "i_*.json"), file =>
        {
            var read = CanonicalJson.TryRead(File.ReadAllBytes(file), out var json, out var fault);
            Assert.True(read ? json is not null : fault.Message.Length > 0, file);
        });
    }
}
