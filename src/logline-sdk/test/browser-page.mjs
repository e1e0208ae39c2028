// What the page does; see browser.mjs.
import { canonicalize, hashOf, KeySigner, LogLineSDK, ProofRequired, sign, verify } from "@logline/sdk";

function same(found, expected, what) {
  if (found !== expected) throw new Error(`${what}: ${found}, not ${expected}`);
}

export async function work(baseUrl, apiKey) {
  same(canonicalize({ "\u{1F600}": 1, "\uFFFD": 2, "e\u0301": "A\u030a\n" }), '{"é":"Å\\n","\uFFFD":2,"\u{1F600}":1}', "canonical form");
  same(hashOf({}), "blake3:6e46dd10defc9b56c29a6ec56b508c21f54c08192194e4df25bf36f0c9c3c279", "hash of {}");
  same(new KeySigner("k", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").publicKey, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "public key");

  // A key that cannot be taken out of the browser.
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const bytes = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const publicKey = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const signer = { kid: "kid_browser", publicKey, sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, message)) };
  same(verify("span", { a: 1 }, publicKey, await sign("span", { a: 1 }, signer)), true, "signature");

  const sdk = new LogLineSDK({ baseUrl, apiKey, signer });
  await sdk.wallet.registerKey(signer, ["sign", "admin"]);
  const ack = await sdk.append({ intent: "registry.person.create", subject: "urn:registry:person/browser", payload: { name: "Joana", email: "joana@example.com", country: "PT", consent: true } });
  same(ack.receipt.entry.kid, "kid_browser", "signer of the request");
  const { keys } = await sdk.keys();
  same(sdk.receipts.verify(ack, { publicKey: keys.find((key) => key.use === "log").public_key, span: await sdk.span(ack.this) }).fault, undefined, "receipt");
  const error = await sdk.append({ intent: "deploy.apply", subject: "urn:minicontainer:dev/web", payload: {} }).catch((refused) => refused);
  same(error.name, "FieldsMissing", "typed error");
  same(error instanceof ProofRequired, false, "its class");
  for await (const { span } of sdk.stream({ subject: "urn:registry:person/browser", after: 0 })) {
    same(span.this, ack.this, "stream");
    break;
  }
  return `ok in ${navigator.userAgent}`;
}
