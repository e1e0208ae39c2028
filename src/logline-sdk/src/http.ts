import { blake3 } from "@noble/hashes/blake3.js";
import { randomHex, toHex, utf8 } from "./bytes.js";
import { altered, canonicalBytes } from "./canonical.js";
import type { Signer } from "./ed25519.js";
import { errorOf, LogLineError, NetworkError, RateLimited, Unavailable } from "./errors.js";
import { algorithm, sign } from "./signatures.js";
import type { Environment } from "./types.js";

/** How to reach a gateway, and as whom. */
export interface LogLineOptions {
  /** Where it answers, such as `https://gateway.example`. */
  readonly baseUrl: string;
  /** The token. */
  readonly apiKey: string;
  /** The token's tenant; asked for when it is needed and not given. */
  readonly tenant?: string;
  /** The environment; the token's when it is not given. */
  readonly env?: Environment;
  /** Signs every write. */
  readonly signer?: Signer;
  /** Instead of the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** How often a request is sent, at most; 4. */
  readonly attempts?: number;
  /** Milliseconds for one attempt, what `wait` asks for not counted; 30,000. */
  readonly timeoutMs?: number;
}

/** What one call may say. */
export interface CallOptions {
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** What one write may say. */
export interface WriteOptions extends CallOptions {
  /** Stands for this request for 24 h; random when not given. */
  readonly idempotencyKey?: string;
  /** Seconds, at most 60, to wait until the run that it starts is running or has ended. */
  readonly wait?: number;
}

const longestPauseMs = 30_000;
// The gateway takes ±120 s; nonce and timestamp stay the same until that is about to end.
const freshMs = 90_000;

/** Requests to one gateway: signed, sent again where that is right, and answered with values or typed errors. */
export class Transport {
  readonly options: LogLineOptions;
  readonly #fetch: typeof fetch;
  #identity: Promise<{ tenant: string; env: Environment }> | undefined;

  constructor(options: LogLineOptions) {
    if (!/^https?:\/\//.test(options.baseUrl)) throw new TypeError("baseUrl must be an http or https URL");
    if (!/^[!-~]+$/.test(options.apiKey)) throw new TypeError("apiKey is empty or holds characters that no token has");
    this.options = options;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  /** Tenant and environment in force: what the options say, else what the token stands for. */
  identity(): Promise<{ tenant: string; env: Environment }> {
    const { tenant, env } = this.options;
    if (tenant !== undefined && env !== undefined) return Promise.resolve({ tenant, env });
    this.#identity ??= this.get<{ tenant: string; env: Environment }>("/v1/whoami")
      .then((token) => ({ tenant: tenant ?? token.tenant, env: env ?? token.env }))
      .catch((defect: unknown) => {
        this.#identity = undefined;
        throw defect;
      });
    return this.#identity;
  }

  /** Reads. */
  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#send(() => Promise.resolve({ method: "GET", path, headers: {} }), 0, options.signal);
  }

  /** Asks a question that has a body; writes nothing. */
  ask<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
    const bytes = canonicalBytes(body);
    return this.#send(() => Promise.resolve({ method: "POST", path, headers: {}, bytes }), 0, options.signal);
  }

  /**
   * Writes: body and idempotency key never change, and nonce and timestamp only when the gateway's window is about to close; so whatever becomes of an
   * answer, it is one write.
   */
  write<T>(method: string, path: string, body: unknown, options: WriteOptions = {}): Promise<T> {
    const bytes = body === undefined ? undefined : canonicalBytes(body);
    // Text that is not in NFC goes out as it was given, and the hash is of what it will be: the gateway refuses it where it would reach a container altered.
    const sent = altered(body) === undefined ? bytes : utf8(JSON.stringify(body));
    const key = options.idempotencyKey ?? randomHex(16);
    let [nonce, madeAt] = ["", Number.NEGATIVE_INFINITY];
    const make = async (): Promise<Prepared> => {
      if (Date.now() - madeAt > freshMs) [nonce, madeAt] = [randomHex(16), Date.now()];
      const timestamp = new Date(madeAt).toISOString();
      const headers: Record<string, string> = { "X-Nonce": nonce, "X-Timestamp": timestamp, "Idempotency-Key": key };
      if (options.wait) headers["Prefer"] = `wait=${options.wait}`;
      if (this.options.signer) await this.#sign(this.options.signer, headers, { method, path, bytes: bytes ?? empty, nonce, timestamp, key });
      return { method, path, headers, ...(sent === undefined ? {} : { bytes: sent }) };
    };
    return this.#send(make, (options.wait ?? 0) * 1000, options.signal);
  }

  /** One attempt at a stream; the answer's body is not read. */
  async open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const response = await this.#fetch(this.#url(path), { headers: { ...this.#always(), ...headers }, signal });
    if (!response.ok) throw await refusal(response);
    return response;
  }

  async #sign(signer: Signer, headers: Record<string, string>, request: { method: string; path: string; bytes: Uint8Array; nonce: string; timestamp: string; key: string }): Promise<void> {
    const { tenant, env } = await this.identity();
    const { pathname, search } = new URL(this.#url(request.path));
    const hash = toHex(blake3(request.bytes));
    headers["X-Env"] = env;
    headers["X-Payload-Hash"] = `blake3-256=${hash}`;
    headers["X-Signature-Alg"] = algorithm;
    headers["X-Signature-KeyId"] = signer.kid;
    headers["X-Signature"] = await sign("request", {
      alg: algorithm,
      content_hash: `blake3:${hash}`,
      env,
      idempotency_key: request.key,
      kid: signer.kid,
      method: request.method,
      nonce: request.nonce,
      path: pathname + search,
      tenant,
      timestamp: request.timestamp,
    }, signer);
  }

  async #send<T>(make: () => Promise<Prepared>, extraMs: number, signal: AbortSignal | undefined): Promise<T> {
    const attempts = this.options.attempts ?? 4;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once<T>(await make(), extraMs, signal);
      } catch (defect) {
        const pause = defect instanceof LogLineError && defect.retryable ? pauseMs(defect, attempt) : undefined;
        if (pause === undefined || pause > longestPauseMs || attempt >= attempts || signal?.aborted) throw defect;
        await sleep(pause, signal);
      }
    }
  }

  async #once<T>(request: Prepared, extraMs: number, signal: AbortSignal | undefined): Promise<T> {
    const patience = AbortSignal.timeout((this.options.timeoutMs ?? 30_000) + extraMs);
    const both = signal === undefined ? patience : AbortSignal.any([signal, patience]);
    try {
      const response = await this.#fetch(this.#url(request.path), {
        method: request.method,
        headers: { ...this.#always(), ...request.headers, ...(request.bytes === undefined ? {} : { "Content-Type": "application/json" }) },
        body: (request.bytes as BodyInit | undefined) ?? null,
        redirect: "error",
        signal: both,
      });
      if (!response.ok) throw await refusal(response);
      return (response.status === 204 ? undefined : await response.json()) as T;
    } catch (defect) {
      if (signal?.aborted) throw signal.reason;
      throw defect instanceof LogLineError ? defect : new NetworkError({ code: "network", detail: `${this.options.baseUrl} does not answer`, retryable: true }, defect);
    }
  }

  #url(path: string): string {
    return this.options.baseUrl.replace(/\/+$/, "") + path;
  }

  #always(): Record<string, string> {
    const { apiKey, tenant, env } = this.options;
    return { Authorization: `ApiKey ${apiKey}`, ...(tenant === undefined ? {} : { "X-Tenant-Id": tenant }), ...(env === undefined ? {} : { "X-Env": env }) };
  }
}

/** A request that can be sent, as often as it has to be. */
interface Prepared {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly bytes?: Uint8Array;
}

const empty = canonicalBytes({});

async function refusal(response: Response): Promise<LogLineError> {
  const after = Number(response.headers.get("Retry-After") ?? 0);
  const body: unknown = await response.json().catch(() => null);
  return errorOf(response.status, body, Number.isFinite(after) ? after : 0);
}

/** What the gateway asks for, or a backoff of 0.2, 0.4, 0.8 s … give or take a quarter, whichever is longer. */
function pauseMs(error: LogLineError, attempt: number): number {
  const asked = error instanceof RateLimited || error instanceof Unavailable ? error.retryAfter : 0;
  return Math.max(asked * 1000, 200 * 2 ** (attempt - 1) * (0.75 + Math.random() / 2));
}

/** Resolves after a while; rejects with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}
