// The other half of SdkAgreementTests: reads or makes documents, one a line, and says of each its canonical bytes, their hash and, for every Nth, the signature.
//   node exchange.mjs N read DOCUMENTS ANSWERS
//   node exchange.mjs N make COUNT DOCUMENTS ANSWERS
import { readFileSync, writeFileSync } from "node:fs";
import { canonicalBytes, hashOf, KeySigner, parseJson, signedMessage } from "@logline/sdk";

const [every, mode, ...rest] = process.argv.slice(2);
const signer = new KeySigner("k", Uint8Array.from({ length: 32 }, (_, i) => i));
const base64 = (bytes) => Buffer.from(bytes).toString("base64");

function answer(value, i) {
  const signature = i % Number(every) === 0 ? ` ${base64(signer.sign(signedMessage("span", value)))}` : "";
  return `${base64(canonicalBytes(value))} ${hashOf(value)}${signature}`;
}

let state = 20261121;
const next = (below) => (state = (state * 48271) % 2147483647) % below;
const alphabet = ["a", "Z", "0", " ", '"', "\\", "/", "\b", "\t", "\u0000", "\u001f", "\u007f", "é", "e\u0301", "\u212b", "\u1e9b\u0323", "\uac00", "\u1100\u1161", "\u2028", "\ud7ff", "\ue000", "\ufffd", "\uffff", "\u{10000}", "\u{1d15e}", "\u{1f600}", "\u{10ffff}"];
const text = () => Array.from({ length: next(6) }, () => alphabet[next(alphabet.length)]).join("");
const integer = () => (next(2) === 0 ? 1 : -1) * (next(2) === 0 ? next(1000) + 1 : (next(4194304) * 2147483648 + next(2147483647)) % Number.MAX_SAFE_INTEGER || 1);

function value(depth) {
  switch (next(depth > 0 ? 8 : 6)) {
    case 0: return null;
    case 1: return next(2) === 0;
    case 2: return integer();
    case 3: return [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0][next(3)];
    case 4: case 5: return text();
    case 6: return Array.from({ length: next(5) }, () => value(depth - 1));
    default: {
      const taken = new Set();
      const keys = Array.from({ length: next(8) }, text).filter((key) => taken.size !== taken.add(key.normalize()).size);
      return Object.fromEntries(keys.map((key) => [key, value(depth - 1)]));
    }
  }
}

if (mode === "read") {
  const [documents, answers] = rest;
  const lines = readFileSync(documents, "utf8").split("\n").slice(0, -1);
  writeFileSync(answers, lines.map((line, i) => answer(parseJson(line), i)).join("\n") + "\n");
} else {
  const [count, documents, answers] = rest;
  const values = Array.from({ length: Number(count) }, () => value(4));
  writeFileSync(documents, values.map((one) => JSON.stringify(one)).join("\n") + "\n");
  writeFileSync(answers, values.map(answer).join("\n") + "\n");
}
