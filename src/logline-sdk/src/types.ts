import type { Json, JsonObject } from "./json.js";

/** Where a token may act. */
export type Environment = "dev" | "stg" | "prd";

/** What a client sends and the ledger keeps. `intent`, `subject` and `payload` are enough; the gate fills in the rest of an unsigned span. */
export interface Span {
  readonly schema_version?: "1.1.0";
  readonly entity_type?: "contract" | "function" | "decision" | "agent" | "law" | "file" | "test";
  readonly this?: string;
  readonly prev?: string;
  readonly did?: { readonly actor: string; readonly action: "append" };
  readonly intent: string;
  readonly subject: string;
  readonly input?: JsonObject;
  readonly payload?: JsonObject;
  readonly output?: JsonObject;
  readonly ts?: string;
  readonly signature?: { readonly kid: string; readonly alg: "ed25519-blake3"; readonly sig: string };
}

/** What one leaf of the ledger is made of. */
export interface LedgerEntry {
  readonly env: Environment;
  readonly hash: string;
  readonly kid: string | null;
  readonly principal: string;
  readonly received_at: string;
  readonly tenant: string;
  readonly this: string;
  readonly v: 1;
}

/** Proof that a span is in the ledger; see `receipts.verify`. */
export interface Receipt {
  readonly ts: string;
  readonly hash: string;
  readonly kid: string;
  readonly signature: string;
  readonly log_index: number;
  readonly entry: LedgerEntry;
  readonly merkle: { readonly tree_size: number; readonly root_hash: string; readonly inclusion_proof: readonly string[]; readonly checkpoint: string };
}

/** Where a run stands; the last three are final. */
export type RunState = "planned" | "pending" | "applied" | "running" | "exited" | "failed" | "cancelled";

/** The run that a span started. */
export interface RunReference {
  readonly run_id: string;
  readonly state: RunState;
  readonly links: { readonly self: string; readonly stream: string };
}

/** The span is durable, inside a signed tree. */
export interface Ack {
  readonly status: "ok";
  readonly this: string;
  readonly trace_id: string;
  readonly repaired: readonly string[];
  readonly replayed: boolean;
  readonly run?: RunReference;
  readonly result?: JsonObject;
  readonly receipt: Receipt;
}

/** A value that is wrong. */
export interface FieldError {
  readonly path: string;
  readonly keyword: string;
  readonly message: string;
}

/** Something is missing. */
export interface NeedMore {
  readonly status: "need_more";
  readonly code: "422_TDLN_INVALID";
  readonly trace_id: string;
  readonly missing_fields: readonly string[];
  readonly why: Readonly<Record<string, string>>;
  readonly errors?: readonly FieldError[];
  readonly suggested_reply: string;
  readonly partial_span: JsonObject;
}

/** A value is wrong. */
export interface Invalid {
  readonly status: "invalid";
  readonly code: "422_SCHEMA_INVALID";
  readonly trace_id: string;
  readonly errors: readonly FieldError[];
  readonly suggested_reply: string;
}

/** Why it was refused (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly trace_id: string;
  readonly retryable: boolean;
  readonly details: JsonObject;
}

/** The answer to one item of an array. */
export type ItemAnswer = Ack | NeedMore | Invalid | { readonly status: "error"; readonly problem: Problem };

/** A run as it stands. */
export interface Run {
  readonly run_id: string;
  readonly state: RunState;
  readonly intent: string;
  readonly subject: string;
  readonly ref?: string;
  readonly target: JsonObject;
  readonly created_at: string;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly exit_code?: number;
  readonly reason?: string;
  readonly error?: string;
  readonly log_tail?: readonly string[];
  readonly ports?: readonly JsonObject[];
  readonly result?: JsonObject;
  readonly span: string;
}

/** Which spans; all that is given must hold. `intent` may end in `*`. */
export interface SpanFilter {
  readonly subject?: string;
  readonly run_id?: string;
  readonly intent?: string;
}

/** A page of spans, ascending. `cursor` goes into `after`; null when there is nothing further now. */
export interface SpanPage {
  readonly items: readonly Span[];
  readonly cursor: number | null;
  /** What the query reaches that is not kept any more, from the first `seq` to the last; the items begin behind it. */
  readonly gap?: { readonly from: number; readonly to: number; readonly reason: "pruned" };
}

/** A MiniContainer that was applied. */
export interface MiniContainer {
  readonly subject: string;
  /** What was applied last. */
  readonly ref: string;
  readonly applied_at: string;
  /** Name of the span that applied it. */
  readonly span: string;
}

/** A page of MiniContainers, by subject; `cursor` goes into `after`, null at the end. */
export interface MiniContainerPage {
  readonly items: readonly MiniContainer[];
  readonly cursor: string | null;
}

/** When a subject changed, and by which intent. */
export interface StateChange {
  readonly seq: number;
  readonly at: string;
  readonly intent: string;
}

/** What the spans of a subject add up to; everything up to the seq `as_of` is in it. */
export interface StateView {
  readonly subject: string;
  readonly as_of: number;
  readonly complete: boolean;
  readonly status: "present" | "deleted";
  readonly created?: StateChange;
  readonly updated?: StateChange;
  readonly deleted?: StateChange;
  readonly spans: number;
  readonly fields: JsonObject;
  readonly values: JsonObject;
  readonly lists: Readonly<Record<string, readonly JsonObject[]>>;
  readonly deployments: readonly JsonObject[];
  readonly runs: readonly JsonObject[];
  readonly truncated: readonly string[];
  readonly intents: Readonly<Record<string, { readonly count: number; readonly seq: number; readonly this: string }>>;
  readonly manifest?: JsonObject;
  readonly serving?: readonly JsonObject[];
}

/** Where a MiniContainer runs. */
export interface Target {
  readonly provider: string;
  readonly service: string;
  readonly [member: string]: Json | undefined;
}

/** `ll.proof.v1`: lets exactly what it names happen once. */
export interface Proof extends JsonObject {
  readonly type: "ll.proof.v1";
  readonly intent: string;
  readonly result: "allow" | "deny";
  readonly tenant: string;
  readonly subject: string;
  readonly kid: string;
  readonly alg: "ed25519-blake3";
  readonly ts: string;
  readonly exp: string;
  readonly nonce: string;
  readonly sig: string;
}

/** What a sentence stands for. */
export interface UniversalAnswer {
  readonly status: "ok" | "need_more" | "invalid" | "error";
  readonly trace_id?: string;
  readonly compiled_span: JsonObject | null;
  readonly compiled_hash?: string;
  readonly query?: { readonly method: "GET" | "POST"; readonly path: string; readonly body?: JsonObject };
  readonly missing_fields?: readonly string[];
  readonly errors?: readonly FieldError[];
  readonly suggested_reply?: string;
  readonly problem?: Problem;
  readonly receipt?: Receipt;
}

/** A webhook that was registered; `secret` is shown this once. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly secret?: string;
  readonly [member: string]: Json | undefined;
}
