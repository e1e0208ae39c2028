import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, fromBase64, fromHex, toBase64, utf8 } from "./bytes.js";
import { canonicalBytes } from "./canonical.js";
import { publicKeyBytes, verifyEd25519 } from "./ed25519.js";
import { hashOf } from "./signatures.js";
import type { Ack, Receipt, Span } from "./types.js";

/** What a verifier looked into, in order; the first that does not hold ends it. */
export interface Verification {
  /** True when everything holds. */
  readonly ok: boolean;
  /** What held. */
  readonly held: readonly string[];
  /** The first thing that does not. */
  readonly fault?: string;
}

/** What a receipt is verified with. */
export interface ReceiptTrust {
  /** The gateway's public log key, obtained in another way than from the receipt. */
  readonly publicKey: string | Uint8Array;
  /** The log's origin, when it is known; else the checkpoint's own, which the key vouches for. */
  readonly origin?: string;
  /** The span that the receipt must be about, as it is stored. */
  readonly span?: Span;
}

/**
 * Verifies everything that a receipt says, offline: the span's hash, the log key's signature on the checkpoint, and the way from the entry to the root.
 * Nothing in it is taken on trust.
 */
export function verifyReceipt(receiptOrAck: Receipt | Ack, trust: ReceiptTrust): Verification {
  const receipt = "receipt" in receiptOrAck ? receiptOrAck.receipt : receiptOrAck;
  const held: string[] = [];
  try {
    for (const [statement, holds] of statements(receipt, trust)) {
      if (!holds()) return { ok: false, held, fault: `it does not hold that ${statement}` };
      held.push(statement);
    }
    return { ok: true, held };
  } catch {
    return { ok: false, held, fault: "the receipt is malformed" };
  }
}

function* statements(receipt: Receipt, trust: ReceiptTrust): Generator<[string, () => boolean]> {
  const { entry, merkle } = receipt;
  const key = publicKeyBytes(trust.publicKey);
  yield ["the public key is one", () => key !== null];
  yield ["the receipt repeats its entry", () => receipt.ts === entry.received_at && receipt.hash === entry.hash && isEntry(entry)];
  if (trust.span !== undefined) yield ["the span hashes to the entry's hash", () => hashOf(trust.span) === entry.hash];
  const origin = trust.origin ?? merkle.checkpoint.split("\n", 1)[0]!;
  const signed = openNote(merkle.checkpoint, origin, key!);
  yield ["the log key signed the checkpoint", () => signed !== null];
  yield ["the signature is the one on the checkpoint", () => toBase64(signed!.signature) === receipt.signature];
  const [name, size, root] = signed!.body.split("\n");
  const rootHash = fromBase64(root ?? "");
  yield ["tree size and root are the signed ones", () => name === origin && isDecimal(size) && size === `${merkle.tree_size}` && rootHash?.length === 32 && equalBytes(rootHash, hashBytes(merkle.root_hash))];
  yield ["the proof leads from the entry to the root", () => verifyInclusion(receipt.log_index, merkle.tree_size, leafHash(canonicalBytes(entry)), merkle.inclusion_proof.map(hashBytes), rootHash!)];
}

const members = ["env", "hash", "kid", "principal", "received_at", "tenant", "this", "v"];

const isEntry = (entry: object): boolean => Object.keys(entry).sort().join() === members.join() && (entry as { v: unknown }).v === 1;

const isDecimal = (text: string | undefined): boolean => text !== undefined && /^(?:0|[1-9][0-9]*)$/.test(text);

function hashBytes(text: string): Uint8Array {
  const bytes = /^sha256:[0-9a-f]{64}$/.test(text) ? fromHex(text.slice(7)) : null;
  if (bytes === null) throw new TypeError("not sha256:<64 hex>");
  return bytes;
}

/** A leaf of the tree (RFC 9162, section 2.1.1). */
export const leafHash = (entry: Uint8Array): Uint8Array => sha256(concat(Uint8Array.of(0), entry));

const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(Uint8Array.of(1), left, right));

/** True when the proof leads from a leaf to the root (RFC 9162, section 2.1.3.2). Numbers are counted in steps of one, so up to 2^53 − 1. */
export function verifyInclusion(index: number, size: number, leaf: Uint8Array, proof: readonly Uint8Array[], root: Uint8Array): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size || leaf.length !== 32 || root.length !== 32) return false;
  let [node, last, hash] = [BigInt(index), BigInt(size) - 1n, leaf];
  for (const sibling of proof) {
    if (last === 0n || sibling.length !== 32) return false;
    if (node % 2n === 1n || node === last) {
      hash = nodeHash(sibling, hash);
      // On the right edge a node without a sibling is its own parent.
      for (; node % 2n === 0n && node !== 0n; node /= 2n) last /= 2n;
    } else {
      hash = nodeHash(hash, sibling);
    }
    node /= 2n;
    last /= 2n;
  }
  return last === 0n && equalBytes(hash, root);
}

const maxNoteBytes = 64 * 1024;

/**
 * Opens a C2SP signed note with an Ed25519 key: its text and the key's signature, or null when it is malformed or the key did not sign it. Lines of
 * other keys (witnesses) are passed over.
 */
export function openNote(note: string, keyName: string, publicKey: Uint8Array): { body: string; signature: Uint8Array } | null {
  // No control characters but newlines, well-formed, within the limit.
  if (!note.endsWith("\n") || /[\u0000-\u0009\u000b-\u001f]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(note) || utf8(note).length > maxNoteBytes) return null;
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || end + 2 === note.length) return null;
  const [body, lines] = [note.slice(0, end + 1), note.slice(end + 2, -1).split("\n")];
  if (lines.length > 100) return null;
  const id = sha256(concat(utf8(`${keyName}\n`), Uint8Array.of(1), publicKey)).subarray(0, 4);
  let found: Uint8Array | undefined;
  for (const line of lines) {
    const [, name, value] = /^— ([^\s+]+) (\S+)$/u.exec(line) ?? [];
    const bytes = fromBase64(value ?? "");
    if (name === undefined || bytes === null || bytes.length <= 4) return null;
    if (name !== keyName || !equalBytes(bytes.subarray(0, 4), id)) continue;
    if (!verifyEd25519(publicKey, utf8(body), bytes.subarray(4))) return null;
    found ??= bytes.slice(4);
  }
  return found === undefined ? null : { body, signature: found };
}
