import { randomHex } from "./bytes.js";
import { altered, canonicalize } from "./canonical.js";
import type { Signer } from "./ed25519.js";
import { type CallOptions, type LogLineOptions, Transport, type WriteOptions } from "./http.js";
import { JsonError, type JsonObject } from "./json.js";
import { type ReceiptTrust, type Verification, verifyReceipt } from "./receipts.js";
import { algorithm, hashOf, sign, verify } from "./signatures.js";
import { follow, type StreamItem, type StreamOptions } from "./stream.js";
import { parseJson } from "./strict.js";
import type { Ack, ItemAnswer, MiniContainerPage, Proof, Receipt, Run, Span, SpanFilter, SpanPage, StateView, Target, UniversalAnswer, Webhook } from "./types.js";
import { type Delivery, verifyWebhook, type WebhookTrust } from "./webhooks.js";

/** A client of one gateway. Every method either returns what the gateway says or throws a `LogLineError`. */
export class LogLineSDK {
  readonly #transport: Transport;
  readonly #signer: Signer | undefined;

  constructor(options: LogLineOptions) {
    this.#transport = new Transport(options);
    this.#signer = options.signer;
  }

  /**
   * Submits a span, or up to 100. One span has its Ack, or throws; an array has one answer for each item, in order, of which some may be refusals.
   * A lost answer is asked for again with the same idempotency key and nonce, so it is one write whatever happens.
   */
  append(span: Span, options?: WriteOptions): Promise<Ack>;
  append(spans: readonly Span[], options?: WriteOptions): Promise<ItemAnswer[]>;
  append(spans: Span | readonly Span[], options?: WriteOptions): Promise<Ack | ItemAnswer[]> {
    return this.#transport.write("POST", "/v1/spans", spans, options);
  }

  /** A page of spans, ascending. */
  query(filter: SpanFilter & { since?: string; after?: number; limit?: number } = {}, options?: CallOptions): Promise<SpanPage> {
    return this.#transport.ask("/v1/spans/query", filter, options);
  }

  /** Every span that matches now, page by page. */
  async *queryAll(filter: SpanFilter & { since?: string; limit?: number } = {}, options?: CallOptions): AsyncGenerator<Span, void, undefined> {
    for (let after: number | null = 0; after !== null; ) {
      const page: SpanPage = await this.query({ ...filter, after }, options);
      yield* page.items;
      after = page.cursor;
    }
  }

  /** The spans behind a cursor as they come, in order, each once; it resumes by itself. Leave the loop, or abort the signal, to end it. */
  stream(options: StreamOptions = {}): AsyncGenerator<StreamItem, void, undefined> {
    return follow(this.#transport, options);
  }

  /** A span by its name. */
  span(name: string, options?: CallOptions): Promise<Span> {
    return this.#transport.get(`/v1/spans/${encodeURIComponent(name)}`, options);
  }

  /** Has events (`run_state.*`) delivered to a URL. Keep `secret`: it is shown this once. */
  registerWebhook(webhook: { url: string; events: readonly string[] }, options?: WriteOptions): Promise<Webhook> {
    return this.#transport.write("POST", "/v1/webhooks", webhook, options);
  }

  /** Who the token is. */
  whoami(options?: CallOptions): Promise<{ token_id: string; tenant: string; env: "dev" | "stg" | "prd"; scopes: string[] }> {
    return this.#transport.get("/v1/whoami", options);
  }

  /** The gateway's public keys. Keep them: a key that comes with what it verifies proves nothing. */
  keys(options?: CallOptions): Promise<{ origin: string; keys: { kid: string; use: string; alg: string; public_key: string; status: string }[] }> {
    return this.#transport.get("/v1/keys", options);
  }

  /** MiniContainers on targets. */
  readonly deploy = {
    /** What a deploy would do; `result.plan_digest` goes into `apply`. */
    plan: (order: { ref: string; target: Target; options?: JsonObject }, options?: WriteOptions): Promise<Ack> =>
      this.append({ intent: "deploy.plan", subject: subjectOf(order.ref), payload: { ref: order.ref, target: order.target, options: order.options } }, options),

    /** Runs a MiniContainer. Throws `ProofRequired` as long as nobody has proved that it may. */
    apply: (order: { ref: string; target: Target; options?: JsonObject; planDigest?: string }, options?: WriteOptions): Promise<Ack> =>
      this.append({ intent: "deploy.apply", subject: subjectOf(order.ref), payload: { ref: order.ref, target: order.target, options: order.options, plan_digest: order.planDigest } }, options),

    /** A run as it stands now. */
    status: (runId: string, options?: CallOptions): Promise<Run> => this.#transport.get(`/v1/runs/${encodeURIComponent(runId)}`, options),

    /** Goes back: to an earlier ref, or to what was there before a run. */
    rollback: async (order: { ref: string; reason?: string } | { runId: string; reason?: string }, options?: WriteOptions): Promise<Ack> => {
      const [subject, payload] = "ref" in order ? [subjectOf(order.ref), { ref: order.ref }] : [(await this.deploy.status(order.runId, options)).subject, { run_id: order.runId }];
      return this.append({ intent: "deploy.rollback", subject, payload: { ...payload, reason: order.reason } }, options);
    },

    /** Ends a run. */
    cancel: async (runId: string, options?: WriteOptions): Promise<Ack> =>
      this.append({ intent: "run.cancel", subject: (await this.deploy.status(runId, options)).subject, payload: { run_id: runId } }, options),
  };

  /** Keys and proofs. */
  readonly wallet = {
    /** Registers the signer's key with a proof of possession; the first key of a tenant needs its bootstrap token, later ones scope `wallet:keys`. */
    registerKey: async (signer: Signer & { readonly publicKey: string }, usage: readonly ("sign" | "admin")[] = ["sign"], options?: WriteOptions): Promise<Ack> => {
      const { tenant } = await this.#transport.identity();
      const claim = { kid: signer.kid, pub: signer.publicKey, usage };
      // A key cannot vouch for the request that makes it known.
      const { signer: own, ...plain } = this.#transport.options;
      const sender = own === undefined || own.kid !== signer.kid ? this : new LogLineSDK(plain);
      return sender.append(
        { intent: "wallet.key.register", subject: `urn:wallet:${tenant}`, payload: { ...claim, pop: await sign("key", { ...claim, tenant }, signer) } }, options);
    },

    /** A signed proof that lets exactly what it names happen once, for `ttlSeconds` (600, at most 900). Nothing is sent. */
    prove: async (claim: { intent: string; subject: string; ref?: string; target?: Target; planDigest?: string; env?: string; result?: "allow" | "deny"; ttlSeconds?: number }): Promise<Proof> => {
      const signer = this.#requireSigner();
      const { tenant } = await this.#transport.identity();
      const now = Date.now();
      const { planDigest, ttlSeconds, ...rest } = claim;
      const proof = {
        type: "ll.proof.v1", result: "allow", ...rest, ...(planDigest === undefined ? {} : { plan_digest: planDigest }), tenant, kid: signer.kid, alg: algorithm,
        ts: new Date(now).toISOString(), exp: new Date(now + (ttlSeconds ?? 600) * 1000).toISOString(), nonce: randomHex(16),
      };
      return { ...proof, sig: await sign("proof", proof, signer) } as Proof;
    },

    /** Submits a proof. */
    submitProof: (proof: Proof, options?: WriteOptions): Promise<Ack> => this.append({ intent: "wallet.proof.submit", subject: proof.subject, payload: { proof } }, options),
  };

  /** MiniContainers. */
  readonly mini = {
    /** Signs a manifest; a provenance that it has is replaced. */
    sign: async (manifest: JsonObject): Promise<JsonObject> => signManifest(manifest, this.#requireSigner()),

    /** Is this manifest, as text or value, signed by this key? Offline. A text is read strictly, as the gateway reads it. */
    verify: (manifest: string | Uint8Array | JsonObject, publicKey: string | Uint8Array): Verification & { readonly hash?: string } => verifyManifest(manifest, publicKey),

    /** Makes a manifest known under a name; `result.ref` is what a deploy takes. */
    apply: async (name: string, manifest: JsonObject, options?: WriteOptions): Promise<Ack> => {
      const { tenant } = await this.#transport.identity();
      return this.append({ intent: "minicontainer.apply", subject: `urn:minicontainer:${tenant}/${name}`, payload: { manifest } }, options);
    },

    /** What was applied, by subject, each with its ref of now; at most `limit` (100, at most 1,000), those behind the subject `after`. */
    list: (page: { limit?: number; after?: string } = {}, options?: CallOptions): Promise<MiniContainerPage> =>
      this.#transport.get(`/v1/minicontainers?limit=${page.limit ?? 100}&after=${encodeURIComponent(page.after ?? "")}`, options),
  };

  /** What spans add up to. */
  readonly state = {
    /** The present state of a subject. A subject with very many spans takes the gateway several rounds, which are asked for here. */
    view: async (subject: string, options?: CallOptions): Promise<StateView> => {
      for (;;) {
        const view: StateView = await this.#transport.get(`/v1/state/view?subject=${encodeURIComponent(subject)}`, options);
        if (view.complete) return view;
      }
    },
  };

  /** Sentences. */
  readonly universal = {
    /** Compiles a sentence. By default nothing is written; `dryRun: false` sends what it stands for. */
    parse: (paragraph: string, request: { intentHint?: string; span?: JsonObject; ctx?: JsonObject; dryRun?: boolean } = {}, options?: WriteOptions): Promise<UniversalAnswer> =>
      this.#transport.write("POST", "/v1/universal", { paragraph, intent_hint: request.intentHint, span: request.span, ctx: request.ctx, dry_run: request.dryRun ?? true }, options),
  };

  /** Receipts. */
  readonly receipts = {
    /** The receipt of a span. */
    get: (name: string, options?: CallOptions): Promise<Receipt> => this.#transport.get(`/v1/spans/${encodeURIComponent(name)}/receipt`, options),

    /** Verifies a receipt, or the Ack that has it, offline. */
    verify: (receipt: Receipt | Ack, trust: ReceiptTrust): Verification => verifyReceipt(receipt, trust),
  };

  /** Deliveries. */
  readonly webhooks = {
    /** Verifies a delivery and returns what it carries; throws `WebhookError`. */
    verify: (body: string | Uint8Array, headers: Parameters<typeof verifyWebhook>[1], trust: WebhookTrust): Delivery => verifyWebhook(body, headers, trust),
  };

  #requireSigner(): Signer {
    if (this.#signer === undefined) throw new TypeError("this needs a signer: new LogLineSDK({ …, signer: new KeySigner(kid, seed) })");
    return this.#signer;
  }
}

/** Signs a span that has all its members; not one byte of it is changed after that. */
export async function signSpan(span: Span, signer: Signer): Promise<Span> {
  const { signature: _, ...bare } = span;
  const signature = { alg: algorithm, kid: signer.kid } as const;
  return { ...bare, signature: { ...signature, sig: await sign("span", { ...bare, signature }, signer) } };
}

/**
 * Signs a manifest; a provenance that it has is replaced.
 * @throws {JsonError} for text in `deploy` that is not in NFC, in which it would be signed: it would reach the container as other bytes than these.
 */
export async function signManifest(manifest: JsonObject, signer: Signer): Promise<JsonObject> {
  const place = altered(manifest["deploy"]);
  if (place !== undefined) throw new JsonError(`/deploy${place} is not in Unicode's normal form C (NFC), in which it would be signed`, `/deploy${place}`);
  const provenance = { alg: algorithm, kid: signer.kid };
  return { ...manifest, provenance: { ...provenance, sig: await sign("manifest", { ...manifest, provenance }, signer) } };
}

/** Is this manifest signed by this key? `hash` is what a ref ends in. */
export function verifyManifest(manifest: string | Uint8Array | JsonObject, publicKey: string | Uint8Array): Verification & { readonly hash?: string } {
  const held: string[] = [];
  try {
    const value = (typeof manifest === "string" || manifest instanceof Uint8Array ? parseJson(manifest) : parseJson(canonicalize(manifest))) as JsonObject;
    held.push("the manifest has a canonical form");
    if (value["type"] !== "ll.minicontainer.v1") return { ok: false, held, fault: "type is not ll.minicontainer.v1" };
    const { sig, ...provenance } = (value["provenance"] ?? {}) as JsonObject;
    if (typeof sig !== "string" || provenance["alg"] !== algorithm || typeof provenance["kid"] !== "string") return { ok: false, held, fault: "provenance is missing or malformed" };
    if (!verify("manifest", { ...value, provenance }, publicKey, sig)) return { ok: false, held, fault: "provenance.sig is not this key's signature of this manifest" };
    held.push(`${provenance["kid"]} signed it`);
    return { ok: true, held, hash: hashOf(value) };
  } catch (defect) {
    return { ok: false, held, fault: defect instanceof Error ? defect.message : String(defect) };
  }
}

/** The subject of the MiniContainer that a ref names. */
function subjectOf(ref: string): string {
  const [, name] = /^mc:([a-z0-9][a-z0-9_-]{1,62}\/[a-z0-9][a-z0-9_-]{0,62})@blake3:[0-9a-f]{64}$/.exec(ref) ?? [];
  if (name === undefined) throw new TypeError("a ref is mc:<tenant>/<name>@blake3:<64 hex>");
  return `urn:minicontainer:${name}`;
}
