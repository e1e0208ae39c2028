import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, fromBase64, utf8 } from "./bytes.js";
import { publicKeyBytes, verifyEd25519 } from "./ed25519.js";
import type { Span } from "./types.js";

/** What a delivery carries. */
export interface Delivery {
  readonly event: string;
  readonly span: Span;
  readonly delivered_at: string;
}

/** What a delivery is verified with: several while one is rotated. One that fits is enough. */
export interface WebhookTrust {
  /** `whsec_…`, shown when the webhook was registered (`v1`). */
  readonly secret?: string | readonly string[];
  /** The gateway's webhook key, hex or `whpk_…` (`v1a`). */
  readonly publicKey?: string | readonly string[];
  /** Seconds by which the delivery may be older or newer than now; 300. */
  readonly toleranceSeconds?: number;
  /** Now, in milliseconds. */
  readonly now?: number;
}

/** A delivery is not the gateway's, or not of now. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
}

/**
 * Verifies a delivery (Standard Webhooks) and returns what it carries. Give the body as it came, before anything parsed it. Deliveries come at least
 * once: keep the `webhook-id`s that were handled.
 * @throws {WebhookError}
 */
export function verifyWebhook(body: string | Uint8Array, headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>, trust: WebhookTrust): Delivery {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => header(headers, name)) as [string, string, string];
  const age = Math.abs((trust.now ?? Date.now()) / 1000 - Number(timestamp));
  if (!/^\d{1,15}$/.test(timestamp) || !(age <= (trust.toleranceSeconds ?? 300))) throw new WebhookError("webhook-timestamp is too far from now");
  const bytes = typeof body === "string" ? utf8(body) : body;
  const message = concat(utf8(`${id}.${timestamp}.`), bytes);
  const secrets = all(trust.secret).map(secretBytes);
  const keys = all(trust.publicKey).map(keyBytes);
  if (secrets.length + keys.length === 0) throw new WebhookError("give a secret or a publicKey");
  const holds = signatures.split(" ").some((one) => {
    const [version, value] = one.split(",", 2);
    const signature = fromBase64(value ?? "");
    if (signature === null) return false;
    if (version === "v1") return secrets.some((secret) => equalBytes(hmac(sha256, secret, message), signature));
    return version === "v1a" && keys.some((key) => verifyEd25519(key, message, signature));
  });
  if (!holds) throw new WebhookError("no signature of webhook-signature holds");
  return JSON.parse(new TextDecoder().decode(bytes)) as Delivery;
}

function header(headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>, name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  if (typeof value !== "string" || value === "") throw new WebhookError(`${name} is missing`);
  return value;
}

const all = (one: string | readonly string[] | undefined): readonly string[] => (one === undefined ? [] : typeof one === "string" ? [one] : one);

function secretBytes(secret: string): Uint8Array {
  const bytes = fromBase64(secret.replace(/^whsec_/, ""));
  if (bytes === null || bytes.length === 0) throw new WebhookError("a secret is whsec_ and base64");
  return bytes;
}

function keyBytes(key: string): Uint8Array {
  const bytes = publicKeyBytes(key.replace(/^whpk_/, ""));
  if (bytes === null) throw new WebhookError("a public key is hex, or whpk_ and base64, of 32 bytes");
  return bytes;
}
