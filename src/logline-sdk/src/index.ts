/**
 * Client of LogLine, the gateway for signed spans. This file is the whole surface.
 * @module
 */
export { LogLineSDK, signManifest, signSpan, verifyManifest } from "./sdk.js";
export type { CallOptions, LogLineOptions, WriteOptions } from "./http.js";
export { KeySigner, type Signer, verifyEd25519 } from "./ed25519.js";
export { canonicalBytes, canonicalize } from "./canonical.js";
export { type Json, JsonError, jsonLimits, type JsonObject } from "./json.js";
export { parseJson } from "./strict.js";
export { algorithm, hashOf, hashOfBytes, sign, type SignatureKind, signedMessage, verify } from "./signatures.js";
export { leafHash, openNote, type ReceiptTrust, type Verification, verifyInclusion, verifyReceipt } from "./receipts.js";
export { type Delivery, verifyWebhook, WebhookError, type WebhookTrust } from "./webhooks.js";
export type { StreamGap, StreamItem, StreamOptions } from "./stream.js";
export * from "./errors.js";
export type * from "./types.js";
