import { Point } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, fromBase64, fromHex, toHex } from "./bytes.js";

/** Order of the group. */
const L = Point.CURVE().n;

/** Signs messages of a few dozen bytes with one Ed25519 key. The key may be anywhere: here, in WebCrypto, in a hardware module. */
export interface Signer {
  /** Id of the key in the tenant's registry. */
  readonly kid: string;
  /** The 64 bytes of the RFC 8032 signature of exactly these bytes. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A signer whose private key is in this process. */
export class KeySigner implements Signer {
  readonly kid: string;
  /** The public key, 64 hex characters. */
  readonly publicKey: string;
  readonly #scalar: bigint;
  readonly #prefix: Uint8Array;
  readonly #point: Uint8Array;

  /**
   * @param kid Id of the key.
   * @param seed The private key of RFC 8032: 32 bytes, as they are or in hex.
   */
  constructor(kid: string, seed: Uint8Array | string) {
    const bytes = typeof seed === "string" ? fromHex(seed) : seed;
    if (bytes?.length !== 32) throw new TypeError("An Ed25519 seed has 32 bytes, 64 characters in hex.");
    const head = sha512(bytes);
    head[0]! &= 248;
    head[31] = (head[31]! & 127) | 64;
    this.kid = kid;
    this.#scalar = little(head.subarray(0, 32)) % L;
    this.#prefix = head.subarray(32);
    this.#point = Point.BASE.multiply(this.#scalar).toBytes();
    this.publicKey = toHex(this.#point);
  }

  /** A new key. */
  static generate(kid: string): KeySigner {
    return new KeySigner(kid, crypto.getRandomValues(new Uint8Array(32)));
  }

  /** RFC 8032, section 5.1.6. What of it depends on the key alone was computed once, which is half of it. */
  sign(message: Uint8Array): Uint8Array {
    const r = little(sha512(concat(this.#prefix, message))) % L;
    const commitment = Point.BASE.multiply(r).toBytes();
    const challenge = little(sha512(concat(commitment, this.#point, message))) % L;
    return concat(commitment, bytes32((r + challenge * this.#scalar) % L));
  }
}

/**
 * True when the key signed the message, by libsodium's rule, which is the gateway's: the equation without cofactor, S below L, and neither A nor R of
 * small order or in another spelling than its own.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const commitment = signature.subarray(0, 32);
  try {
    const key = Point.fromBytes(publicKey);
    const s = little(signature.subarray(32));
    if (s >= L || key.isSmallOrder() || Point.fromBytes(commitment).isSmallOrder()) return false;
    const challenge = little(sha512(concat(commitment, publicKey, message))) % L;
    // Nothing here is secret, so the faster ways that take as long as the numbers make them are right.
    const found = times(Point.BASE, s).subtract(times(key, challenge));
    return equalBytes(found.toBytes(), commitment);
  } catch {
    return false; // not a point, or not in its own spelling
  }
}

/** Reads a public key: 64 hex characters or padded base64 of 32 bytes; null for anything else. */
export function publicKeyBytes(key: string | Uint8Array): Uint8Array | null {
  const bytes = typeof key !== "string" ? key : key.length === 64 ? fromHex(key) : fromBase64(key);
  return bytes?.length === 32 ? bytes : null;
}

/** The library multiplies by no zero, which is a point like any other. */
const times = (point: Point, scalar: bigint): Point => (scalar === 0n ? Point.ZERO : point.multiply(scalar, false));

function little(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}

function bytes32(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, "0"))!.reverse();
}
