import assert from "node:assert/strict";
import test from "node:test";
import { KeySigner, verifyWebhook, WebhookError } from "@logline/sdk";
import { Webhook } from "standardwebhooks";

const secret = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`;
const body = JSON.stringify({ event: "run_state.running", span: { intent: "run_state.running", subject: "urn:minicontainer:vv/web" }, delivered_at: "2025-11-17T13:37:00Z" });
const at = new Date(1_700_000_000_000);
const now = at.getTime();

function delivery(signature = new Webhook(secret).sign("msg_1", at, body)) {
  return { "Webhook-Id": "msg_1", "webhook-timestamp": `${now / 1000}`, "webhook-signature": signature };
}

test("what the public package signs is verified, and the other way round", () => {
  assert.equal(verifyWebhook(body, delivery(), { secret, now }).event, "run_state.running");
  assert.equal(verifyWebhook(Buffer.from(body), new Headers(delivery()), { secret: [`whsec_${btoa("old")}`, secret], now }).span.intent, "run_state.running");
});

test("v1a is Ed25519 over the same text, and lines of other versions are passed over", () => {
  const signer = KeySigner.generate("k");
  const signature = `v1a,${Buffer.from(signer.sign(Buffer.from(`msg_1.${now / 1000}.${body}`))).toString("base64")}`;
  assert.equal(verifyWebhook(body, delivery(`v9,x v1,AAAA ${signature}`), { publicKey: signer.publicKey, now }).event, "run_state.running");
  assert.equal(verifyWebhook(body, delivery(signature), { publicKey: `whpk_${Buffer.from(signer.publicKey, "hex").toString("base64")}`, now }).event, "run_state.running");
  assert.throws(() => verifyWebhook(body, delivery(signature), { publicKey: KeySigner.generate("k").publicKey, now }), WebhookError);
  assert.throws(() => verifyWebhook(body, delivery(signature), { secret, now }), WebhookError);
});

test("another body, id, time or secret is refused", () => {
  assert.throws(() => verifyWebhook(`${body} `, delivery(), { secret, now }), WebhookError);
  assert.throws(() => verifyWebhook(body, { ...delivery(), "Webhook-Id": "msg_2" }, { secret, now }), WebhookError);
  assert.throws(() => verifyWebhook(body, { ...delivery(), "webhook-timestamp": `${now / 1000 + 1}` }, { secret, now }), WebhookError);
  assert.throws(() => verifyWebhook(body, delivery(), { secret: `whsec_${btoa("other")}`, now }), WebhookError);
  assert.throws(() => verifyWebhook(body, delivery(), { secret, now: now + 301_000 }), /too far/);
  assert.throws(() => verifyWebhook(body, delivery(), { secret, now: now - 301_000 }), /too far/);
  assert.throws(() => verifyWebhook(body, {}, { secret, now }), /missing/);
  assert.throws(() => verifyWebhook(body, delivery(), { now }), /give a secret/);
});
