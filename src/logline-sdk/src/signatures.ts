import { blake3 } from "@noble/hashes/blake3.js";
import { concat, fromBase64, toBase64, toHex, utf8 } from "./bytes.js";
import { canonicalBytes } from "./canonical.js";
import { publicKeyBytes, type Signer, verifyEd25519 } from "./ed25519.js";

/** What a signature is over. The kind separates domains: a signature made for one never verifies as another. */
export type SignatureKind = "request" | "span" | "manifest" | "proof" | "grant" | "key" | "permit" | "event";

/** The only algorithm there is. */
export const algorithm = "ed25519-blake3";

const prefixes = new Map<SignatureKind, Uint8Array>();

/** `blake3:` and the hex of BLAKE3-256 of the canonical form of a value. */
export const hashOf = (value: unknown): string => hashOfBytes(canonicalBytes(value));

/** `blake3:` and the hex of BLAKE3-256 of bytes. */
export const hashOfBytes = (bytes: Uint8Array): string => `blake3:${toHex(blake3(bytes))}`;

/** What the key signs: `"logline:" + kind + ":v1"`, a zero byte, and the 32 bytes of the BLAKE3 of the canonical object. */
export function signedMessage(kind: SignatureKind, value: unknown): Uint8Array {
  let prefix = prefixes.get(kind);
  if (prefix === undefined) prefixes.set(kind, (prefix = utf8(`logline:${kind}:v1\0`)));
  return concat(prefix, blake3(canonicalBytes(value)));
}

/** Signs the canonical form of a value; padded base64. */
export async function sign(kind: SignatureKind, value: unknown, signer: Signer): Promise<string> {
  return toBase64(await signer.sign(signedMessage(kind, value)));
}

/** True when the key signed the canonical form of the value as this kind. */
export function verify(kind: SignatureKind, value: unknown, publicKey: string | Uint8Array, signature: string): boolean {
  const key = publicKeyBytes(publicKey);
  const bytes = signature.length === 88 ? fromBase64(signature) : null;
  return key !== null && bytes !== null && verifyEd25519(key, signedMessage(kind, value), bytes);
}
