import assert from "node:assert/strict";
import test from "node:test";
import {
  FieldsInvalid, FieldsMissing, Forbidden, IdempotencyConflict, JsonError, KeySigner, LogLineError, LogLineSDK, NotFound, ProofRequired, RateLimited, sign, signSpan, Unauthenticated, verify,
} from "@logline/sdk";
import { options, person, sdk, take } from "./gateway.mjs";

const signer = KeySigner.generate("kid_sdk");
const signed = new LogLineSDK({ ...options, signer });
const { origin, keys } = await sdk.keys();
const publicKey = keys.find((key) => key.use === "log").public_key;
const { tenant } = await sdk.whoami();

test("a span has an Ack, whose receipt verifies offline and not when a bit is changed", async () => {
  const ack = await sdk.append(person("joana"));
  assert.equal(ack.status, "ok");
  const span = await sdk.span(ack.this);
  for (const receipt of [ack, ack.receipt, await sdk.receipts.get(ack.this)]) {
    assert.deepEqual(sdk.receipts.verify(receipt, { publicKey, origin, span }).fault, undefined);
  }
  const { receipt } = ack;
  const changed = {
    entry: { ...receipt, entry: { ...receipt.entry, principal: "tok_0000000000000000" } },
    ts: { ...receipt, ts: "2025-01-01T00:00:00.000Z" },
    index: { ...receipt, log_index: receipt.log_index + 1 },
    size: { ...receipt, merkle: { ...receipt.merkle, tree_size: receipt.merkle.tree_size + 1 } },
    root: { ...receipt, merkle: { ...receipt.merkle, root_hash: `sha256:${"0".repeat(64)}` } },
    signature: { ...receipt, signature: `${"A".repeat(86)}==` },
    checkpoint: { ...receipt, merkle: { ...receipt.merkle, checkpoint: receipt.merkle.checkpoint.replace(/\n\d+\n/, "\n999\n") } },
    nothing: {},
  };
  for (const [what, forged] of Object.entries(changed)) assert.equal(sdk.receipts.verify(forged, { publicKey }).ok, false, what);
  assert.equal(sdk.receipts.verify(receipt, { publicKey: KeySigner.generate("x").publicKey }).ok, false);
  assert.equal(sdk.receipts.verify(receipt, { publicKey, origin: "another" }).ok, false);
  assert.equal(sdk.receipts.verify(receipt, { publicKey, span: { ...span, subject: "urn:registry:person/rui" } }).ok, false);
});

test("the same key is the same write; another content under it is a conflict, and is not sent again", async () => {
  const first = await sdk.append(person("key"), { idempotencyKey: "sdk-key" });
  const replay = await sdk.append(person("key"), { idempotencyKey: "sdk-key" });
  assert.deepEqual({ ...replay, replayed: false }, first);
  assert.equal(replay.replayed, true);
  let requests = 0;
  const counting = new LogLineSDK({ ...options, fetch: (...request) => (requests++, fetch(...request)) });
  await assert.rejects(counting.append(person("key", "Rui"), { idempotencyKey: "sdk-key" }), (error) => error instanceof IdempotencyConflict && error.code === "409_IDEMPOTENCY_CONFLICT" && error.status === 409 && error.traceId.length === 32);
  assert.equal(requests, 1);
});

test("an array has an answer for each item", async () => {
  const answers = await sdk.append([person("one"), { intent: "registry.person.create", subject: "urn:registry:person/two", payload: {} }, { ...person("three"), intent: "run_state.exited" }]);
  assert.deepEqual(answers.map((answer) => answer.status), ["ok", "need_more", "error"]);
  assert.equal(answers[2].problem.code, "403_FORBIDDEN");
});

test("every kind of refusal is an error of its own", async () => {
  const missing = { intent: "registry.person.create", subject: "urn:registry:person/x", payload: { name: "X" } };
  await assert.rejects(sdk.append(missing), (error) => error instanceof FieldsMissing && error.missing.includes("payload.email") && error.why["payload.email"].length > 0 && error.suggestedReply.includes("payload.email"));
  await assert.rejects(sdk.append(person("X Y")), (error) => error instanceof FieldsInvalid && error.errors[0].path === "/subject");
  await assert.rejects(sdk.append({ ...person("x"), intent: "run_state.exited" }), Forbidden);
  await assert.rejects(sdk.deploy.status("run_0"), NotFound);
  await assert.rejects(new LogLineSDK({ ...options, apiKey: "ll_wrong" }).whoami(), Unauthenticated);
  await sdk.append({ intent: "quota.set", subject: `urn:tenant:${tenant}`, payload: { intent_pattern: "registry.asset.register", rate_per_minute: 1, burst: 1 } });
  const asset = { intent: "registry.asset.register", subject: "urn:registry:asset/a", payload: {} };
  const once = new LogLineSDK({ ...options, attempts: 1 });
  await assert.rejects(once.append(asset), FieldsMissing);
  // One more comes into the bucket each minute: on a machine that stands still for so long it may be there.
  let refused;
  for (let tries = 0; tries < 10 && !(refused instanceof RateLimited); tries++) refused = await once.append(asset).then(assert.fail, (error) => error);
  assert.ok(refused instanceof RateLimited && refused.retryAfter > 0 && refused.retryable, String(refused));
});

test("a key is registered, and signs requests, spans, manifests and proofs; a deploy needs the proof", async () => {
  await signed.wallet.registerKey(signer, ["sign", "admin"]);
  const ack = await signed.append(person("signed"));
  assert.equal(ack.receipt.entry.kid, "kid_sdk");

  const span = await signSpan({
    ...person("whole"), schema_version: "1.1.0", entity_type: "contract", this: `urn:span:${crypto.randomUUID()}`, did: { actor: "usr_sdk", action: "append" },
    ts: new Date().toISOString(), payload: { ...person("whole").payload, kind: "registry/person.v1" },
  }, signer);
  const own = await sdk.append(span);
  assert.deepEqual(own.repaired, []);
  assert.deepEqual(await sdk.span(own.this), span);
  const { sig, ...signature } = span.signature;
  assert.equal(verify("span", { ...span, signature }, signer.publicKey, sig), true);

  const manifest = await signed.mini.sign({ type: "ll.minicontainer.v1", version: "1.0.0", owner: { user_id: "usr_sdk", tenant }, deploy: { image: "localhost/logline-test:1" }, ts: "2026-11-20T12:00:00Z" });
  const verified = signed.mini.verify(JSON.stringify(manifest), signer.publicKey);
  assert.equal(verified.fault, undefined);
  assert.equal(signed.mini.verify({ ...manifest, version: "1.0.1" }, signer.publicKey).ok, false);
  assert.match(signed.mini.verify(JSON.stringify(manifest).replace("{", '{"type":"x",'), signer.publicKey).fault, /stands twice/);
  const { ref } = (await signed.mini.apply("web", manifest)).result;
  assert.equal(ref, `mc:${tenant}/web@${verified.hash}`);
  const listed = await signed.mini.list({ limit: 1, after: `urn:minicontainer:${tenant}/we` });
  assert.deepEqual([listed.items[0].ref, listed.cursor], [ref, `urn:minicontainer:${tenant}/web`]);
  assert.deepEqual(await signed.mini.list({ after: listed.cursor }), { items: [], cursor: null });

  const order = { ref, target: { provider: "fake", service: "web" } };
  const { plan_digest: planDigest } = (await signed.deploy.plan(order)).result;
  assert.match(planDigest, /^blake3:[0-9a-f]{64}$/);
  const refused = await signed.deploy.apply(order).then(() => assert.fail("no proof"), (error) => error);
  assert.ok(refused instanceof ProofRequired, String(refused));
  assert.equal(refused.required.intent, "deploy.allow");
  await signed.wallet.submitProof(await signed.wallet.prove({ ...refused.required, ref }));
  const deployed = await signed.deploy.apply({ ...order, planDigest }, { wait: 30 });
  assert.equal(deployed.run.state, "running");
  assert.equal((await signed.deploy.status(deployed.run.run_id)).state, "running");
  const back = await signed.deploy.rollback({ runId: deployed.run.run_id }).then(() => assert.fail("there is nothing to go back to"), (error) => error);
  assert.ok(back instanceof LogLineError && back.status >= 400 && back.status < 500 && !(back instanceof FieldsMissing), String(back));
  await signed.deploy.cancel(deployed.run.run_id);
  const states = await take(signed.stream({ run_id: deployed.run.run_id, after: 0 }), 4);
  assert.deepEqual(states.map(({ span: one }) => one.intent), ["deploy.apply", "deploy.planned", "run_state.pending", "deploy.applied"]);
});

test("a sentence is compiled dry, and sent when that is meant", async () => {
  const sentence = "create person Ana, email ana@example.com, country PT, consent yes";
  const dry = await sdk.universal.parse(sentence);
  assert.equal(dry.compiled_span.intent, "registry.person.create");
  assert.equal(dry.receipt, undefined);
  const sent = await sdk.universal.parse(sentence, { dryRun: false });
  assert.equal(sdk.receipts.verify(sent.receipt, { publicKey }).ok, true);
});

test("what would reach a container altered is refused: text goes out as it was given, not in NFC", async () => {
  await signed.wallet.registerKey(signer, ["sign", "admin"]);
  const text = "cafe\u0301";
  const exec = (argument) => ({ intent: "container.exec", subject: `urn:container:${tenant}/web`, payload: { target: { provider: "podman" }, name: "web", argv: ["/bin/cat", argument] } });
  const refusedAt = (path) => (error) => error instanceof FieldsInvalid && error.code === "422_SCHEMA_INVALID" && error.errors[0].path === path && error.errors[0].message.includes("NFC");
  for (const client of [sdk, signed]) await assert.rejects(client.append(exec(text)), refusedAt("/payload/argv/1"));
  const [first, second] = await signed.append([person("nfc", "Jose\u0301"), exec(text)]);
  assert.equal((await sdk.span(first.this)).payload.name, "José");
  assert.equal(second.errors[0].path, "/payload/argv/1");
  await assert.rejects(signed.universal.parse("copiar /cafe\u0301 do contêiner web no podman", { dryRun: false }), refusedAt("/payload/path"));

  const manifest = { type: "ll.minicontainer.v1", version: "1.0.0", owner: { user_id: "usr_sdk", tenant }, deploy: { image: "localhost/logline-test:1", args: [text] }, ts: "2026-11-20T12:00:00Z" };
  await assert.rejects(signed.mini.sign(manifest), (error) => error instanceof JsonError && error.path === "/deploy/args/0");
  const provenance = { alg: "ed25519-blake3", kid: signer.kid };
  const forced = { ...manifest, provenance: { ...provenance, sig: await sign("manifest", { ...manifest, provenance }, signer) } };
  await assert.rejects(signed.mini.apply("nfc", forced), refusedAt("/payload/manifest/deploy/args/0"));
});

test("queries go through every page", async () => {
  const subject = "urn:registry:person/pages";
  for (let i = 0; i < 5; i++) await sdk.append(person("pages", `Name ${i}`));
  const page = await sdk.query({ subject, limit: 2 });
  assert.equal(page.items.length, 2);
  assert.equal(typeof page.cursor, "number");
  assert.deepEqual((await take(sdk.queryAll({ subject, limit: 2 }), 9)).map((span) => span.payload.name), ["Name 0", "Name 1", "Name 2", "Name 3", "Name 4"]);
});

test("the state of a subject is what its spans add up to", async () => {
  const subject = "urn:registry:person/state";
  await sdk.append(person("state", "First"));
  const { receipt } = await sdk.append({ intent: "registry.person.update", subject, payload: { name: "Second" } });
  const state = await sdk.state.view(subject);
  assert.equal(state.fields.name, "Second");
  assert.ok(state.complete && state.as_of > receipt.log_index && state.spans === 2);
  await assert.rejects(sdk.state.view("urn:registry:person/nobody"), NotFound);
});

test("a live stream brings what happens from now on, until its signal", async () => {
  const end = new AbortController();
  const items = sdk.stream({ subject: "urn:registry:person/live", signal: end.signal })[Symbol.asyncIterator]();
  // Nothing says from outside when the stream has begun: spans are sent until one arrives.
  let found;
  const arrived = items.next().then((item) => (found = item.value));
  for (let i = 0; found === undefined; i++) {
    await sdk.append(person("live", `Name ${i}`));
    await Promise.race([arrived, new Promise((resolve) => setImmediate(resolve))]);
  }
  assert.equal(found.span.subject, "urn:registry:person/live");
  assert.equal((await sdk.receipts.get(found.span.this)).log_index + 1, found.seq);
  end.abort();
  while (!(await items.next()).done);
});
