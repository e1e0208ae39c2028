import assert from "node:assert/strict";
import test from "node:test";
import { canonicalize, hashOf, JsonError, parseJson } from "@logline/sdk";
import { files, needs } from "./vectors.mjs";

// As LogLine.Protocol.Tests has them: what RFC 8259 allows and a stated rule refuses.
const twice = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];
const withoutForm = [
  "y_number.json", "y_number_0e+1.json", "y_number_0e1.json", "y_number_double_close_to_zero.json", "y_number_int_with_exp.json", "y_number_minus_zero.json",
  "y_number_negative_zero.json", "y_number_real_capital_e.json", "y_number_real_capital_e_neg_exp.json", "y_number_real_capital_e_pos_exp.json", "y_number_real_exponent.json",
  "y_number_real_fraction_exponent.json", "y_number_real_neg_exp.json", "y_number_real_pos_exponent.json", "y_number_simple_real.json", "y_object_extreme_numbers.json",
  "y_structure_lonely_negative_real.json",
];

test("json-atomic: bytes and hashes are the published ones", needs("json-atomic"), () => {
  for (const { name, bytes } of files("json-atomic")) {
    const vector = JSON.parse(bytes.toString());
    assert.equal(Buffer.from(canonicalize(vector.input)).toString("hex"), vector.expected_canon_hex, name);
    assert.equal(hashOf(vector.input), `blake3:${vector.expected_cid_hex}`, name);
  }
});

test("json-parsing: what must not parse is refused, what must is read unless a stated rule refuses it", needs("json-parsing"), () => {
  for (const { name, bytes } of files("json-parsing")) {
    if (name.startsWith("n_")) assert.throws(() => parseJson(bytes), JsonError, name);
    if (!name.startsWith("y_")) continue;
    if (twice.includes(name)) assert.throws(() => parseJson(bytes), /stands twice/, name);
    else if (withoutForm.includes(name)) assert.throws(() => parseJson(bytes), /canonical form/, name);
    else assert.equal(canonicalize(parseJson(canonicalize(parseJson(bytes)))), canonicalize(parseJson(bytes)), name);
  }
});

test("what is read strictly keeps its texts and names, in whatever normal form they are", () => {
  assert.deepEqual(parseJson('{"e\u0301":["e\u0301"]}'), { "e\u0301": ["e\u0301"] });
  assert.throws(() => parseJson('{"é":1,"e\u0301":2}'), /stands twice/);
});

test("members are in order of code points, not of code units", () => {
  assert.equal(canonicalize({ "\u{1F600}": 1, "\uFFFD": 2, "a": 3, "é": 4, "\uD7FF": 5 }), '{"a":3,"é":4,"\uD7FF":5,"\uFFFD":2,"\u{1F600}":1}');
});

test("texts are composed, and escaped as little as can be", () => {
  assert.equal(canonicalize({ "e\u0301": "A\u030a\b\u0001\u007f\u2028/\"\\" }), '{"é":"Å\\b\\u0001\u007f\u2028/\\"\\\\"}');
  assert.equal(canonicalize({ b: undefined, a: [true, false, null] }), '{"a":[true,false,null]}');
  assert.equal(canonicalize(JSON.parse('{"__proto__":1,"constructor":2}')), '{"__proto__":1,"constructor":2}');
  assert.equal(canonicalize(parseJson('{"__proto__":1,"constructor":2}')), '{"__proto__":1,"constructor":2}');
});

for (const [what, value, path] of [
  ["a fraction", { a: { "b/c": [1, 1.5] } }, "/a/b~1c/1"], ["-0", [-0], "/0"], ["2^53", 2 ** 53, ""], ["NaN", { n: NaN }, "/n"], ["a bigint", { n: 1n }, "/n"], ["a date", { at: new Date() }, "/at"],
  ["a function", [() => 1], "/0"], ["undefined in an array", [undefined], "/0"], ["half a pair", { "\ud800": 1 }, ""], ["half a pair in a value", ["\udc00x"], "/0"],
  ["keys equal after NFC", { "é": 1, "e\u0301": 2 }, ""], ["33 levels", JSON.parse("[".repeat(33) + "]".repeat(33)), "/0".repeat(32)],
  ["10,001 elements", Array(10_001).fill(0), ""], ["1,001 members", Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`k${i}`, 0])), ""],
]) {
  test(`${what} has no canonical form, and the error says where`, () => {
    assert.throws(() => canonicalize(value), (error) => error instanceof JsonError && error.path === path);
  });
}

test("32 levels, 10,000 elements and 1,000 members have one", () => {
  canonicalize(JSON.parse("[".repeat(32) + "]".repeat(32)));
  canonicalize(Array(10_000).fill(0));
  canonicalize(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, 0])));
});
