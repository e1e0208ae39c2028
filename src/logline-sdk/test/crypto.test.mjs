import assert from "node:assert/strict";
import test from "node:test";
import { hashOfBytes, KeySigner, leafHash, openNote, sign, verify, verifyEd25519, verifyInclusion } from "@logline/sdk";
import { files, needs, read } from "./vectors.mjs";

const hex = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const base64 = (text) => Uint8Array.from(Buffer.from(text ?? "", "base64"));

test("blake3: the published hashes", needs("blake3"), () => {
  for (const { input_len, hash } of read("blake3", "test_vectors.json").cases) {
    assert.equal(hashOfBytes(Uint8Array.from({ length: input_len }, (_, i) => i % 251)), `blake3:${hash.slice(0, 64)}`);
  }
});

test("wycheproof: the published verdict on every signature", needs("ed25519"), () => {
  for (const group of read("ed25519", "wycheproof_ed25519_test.json").testGroups) {
    for (const one of group.tests) {
      assert.equal(verifyEd25519(hex(group.publicKey.pk), hex(one.msg), hex(one.sig)), one.result === "valid", `${one.tcId} ${one.comment}`);
    }
  }
});

test("speccheck: libsodium's verdict, which is the gateway's", needs("ed25519"), () => {
  const verdicts = read("ed25519", "speccheck_cases.json").map((one) => verifyEd25519(hex(one.pub_key), hex(one.message), hex(one.signature)));
  assert.deepEqual(verdicts, [false, false, false, true, false, false, false, false, false, false, false, false]);
});

test("merkle: the published verdict on every inclusion proof", needs("merkle"), () => {
  for (const { name, bytes } of files("merkle/inclusion")) {
    const probe = JSON.parse(bytes.toString());
    const holds = verifyInclusion(probe.leafIdx, probe.treeSize, base64(probe.leafHash), (probe.proof ?? []).map(base64), base64(probe.root));
    assert.equal(holds, !probe.wantErr, name);
  }
});

test("RFC 8032, test 1", () => {
  const signer = new KeySigner("k", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  assert.equal(signer.publicKey, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  assert.equal(
    Buffer.from(signer.sign(new Uint8Array())).toString("hex"),
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
});

test("a signature holds for its kind, value and key alone, in one spelling", async () => {
  const [signer, other] = [KeySigner.generate("a"), KeySigner.generate("b")];
  const signature = await sign("span", { a: 1 }, signer);
  assert.equal(verify("span", { a: 1 }, signer.publicKey, signature), true);
  assert.equal(verify("proof", { a: 1 }, signer.publicKey, signature), false);
  assert.equal(verify("span", { a: 2 }, signer.publicKey, signature), false);
  assert.equal(verify("span", { a: 1 }, other.publicKey, signature), false);
  assert.equal(verify("span", { a: 1 }, signer.publicKey, signature.replace("==", "")), false);
  assert.equal(verify("span", { a: 1 }, signer.publicKey, `${signature} `), false);
  for (let bit = 0; bit < 512; bit += 7) {
    const bytes = base64(signature);
    bytes[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(verify("span", { a: 1 }, signer.publicKey, Buffer.from(bytes).toString("base64")), false);
  }
});

test("a signer may be anywhere: WebCrypto signs the same bytes", async () => {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const signer = { kid: "k", sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, message)) };
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  assert.equal(verify("manifest", { a: 1 }, publicKey, await sign("manifest", { a: 1 }, signer)), true);
});

test("a note with a control character, a wrong name or a spoilt line is none", async () => {
  const signer = KeySigner.generate("k");
  const key = hex(signer.publicKey);
  const id = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.concat([Buffer.from("log\n\u0001"), key]))).subarray(0, 4);
  const line = (text) => `— log ${Buffer.concat([id, signer.sign(Buffer.from(text))]).toString("base64")}\n`;
  assert.equal(openNote(`log\n1\nx\n\n${line("log\n1\nx\n")}`, "log", key).body, "log\n1\nx\n");
  assert.equal(openNote(`log\n1\nx\n\n${line("log\n2\nx\n")}`, "log", key), null);
  assert.equal(openNote(`log\n1\nx\n\n${line("log\n1\nx\n")}${line("log\n2\nx\n")}`, "log", key), null);
  assert.equal(openNote(`log\n1\nx\n\n— other AAAAAAA=\n${line("log\n1\nx\n")}`, "log", key).body, "log\n1\nx\n");
  assert.equal(openNote(`log\n1\rx\n\n${line("log\n1\rx\n")}`, "log", key), null);
  assert.equal(openNote(`log\n1\nx\n\n${line("log\n1\nx\n").trimEnd()}`, "log", key), null);
  assert.equal(openNote(`log\n1\nx\n\n${line("log\n1\nx\n")}`, "gol", key), null);
  assert.equal(leafHash(new Uint8Array()).length, 32);
});
