// Canonicalise and sign a signed deploy.apply of about 1 KiB: this package beside `canonicalize` and `@noble/ed25519`, in turns. Prints the median of
// the rounds' ratios; above 1 is faster than they are. Run: npm run bench
import { readFileSync } from "node:fs";
import canonicalizeOther from "canonicalize";
import * as noble from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { canonicalize, KeySigner, signedMessage } from "../dist/index.js";

noble.hashes.sha512 = sha512;
const seed = new Uint8Array(32).fill(7);
const signer = new KeySigner("kid_sign_1", seed);
const value = JSON.parse(readFileSync(new URL("./deploy-apply.json", import.meta.url), "utf8"));
const encoder = new TextEncoder();

const sides = {
  "canonicalise": [() => canonicalize(value), () => canonicalizeOther(value)],
  "canonicalise and sign": [() => signer.sign(signedMessage("span", value)), () => noble.sign(encoder.encode(canonicalizeOther(value)), seed)],
};

function rate(work, milliseconds) {
  const start = performance.now();
  let times = 0;
  do {
    work();
    times++;
  } while (performance.now() - start < milliseconds);
  return times / (performance.now() - start);
}

for (const [name, [ours, theirs]] of Object.entries(sides)) {
  rate(ours, 200), rate(theirs, 200);
  const rounds = Array.from({ length: 11 }, (_, i) => {
    const first = i % 2 === 0 ? [rate(ours, 100), rate(theirs, 100)] : [rate(theirs, 100), rate(ours, 100)].reverse();
    return { ratio: first[0] / first[1], ours: first[0] };
  }).sort((a, b) => a.ratio - b.ratio);
  const middle = rounds[5];
  console.log(`${name}: ratio ${middle.ratio.toFixed(2)} (${rounds[0].ratio.toFixed(2)} to ${rounds[10].ratio.toFixed(2)}), ${(1000 / middle.ours).toFixed(1)} µs`);
}
