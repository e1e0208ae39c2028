import type { JsonObject } from "./json.js";
import type { FieldError, Invalid, NeedMore, Problem } from "./types.js";

/** What the gateway refused, or why it could not be asked. Every error of this package that comes from outside is one. */
export class LogLineError extends Error {
  override readonly name: string = "LogLineError";
  /** The code of the gateway's table, such as `428_PROOF_REQUIRED`; `network` when there was no answer. */
  readonly code: string;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** Trace id, which the gateway's logs have too. */
  readonly traceId: string | undefined;
  /** Facts for a program. */
  readonly details: JsonObject;
  /** Whether the same request, unchanged, can succeed later by itself. */
  readonly retryable: boolean;

  constructor(problem: Partial<Problem> & { readonly code: string }, cause?: unknown) {
    super(`${problem.code}: ${problem.detail ?? problem.title ?? "refused"}`, cause === undefined ? undefined : { cause });
    this.code = problem.code;
    this.status = problem.status ?? 0;
    this.traceId = problem.trace_id;
    this.details = problem.details ?? {};
    this.retryable = problem.retryable ?? false;
  }
}

/** Nobody answered, or what answered is no gateway. */
export class NetworkError extends LogLineError {
  override readonly name = "NetworkError";
}

/** `401`: the token is unknown, expired or revoked. */
export class Unauthenticated extends LogLineError {
  override readonly name = "Unauthenticated";
}

/** `403_FORBIDDEN`: another tenant's, out of scope, or reserved. */
export class Forbidden extends LogLineError {
  override readonly name = "Forbidden";
}

/** `403_POLICY_DENIED`: `details.rule` names the rule. */
export class PolicyDenied extends LogLineError {
  override readonly name = "PolicyDenied";
}

/** `404`: this tenant does not have it. */
export class NotFound extends LogLineError {
  override readonly name = "NotFound";
}

/** `428`: prove it with `wallet.prove(error.required)` and `wallet.submitProof`, then send the same again. */
export class ProofRequired extends LogLineError {
  override readonly name = "ProofRequired";

  /** What the proof must authorise; goes into `wallet.prove`. */
  get required(): { intent: string; subject: string; ref?: string } {
    const text = (name: string): string => String(this.details[name] ?? "");
    return { intent: text("required_proof_intent"), subject: text("subject"), ...(this.details["ref"] === undefined ? {} : { ref: text("ref") }) };
  }
}

/** `409`: the key, or `this`, stands for another content. Never sent again. */
export class IdempotencyConflict extends LogLineError {
  override readonly name = "IdempotencyConflict";
}

/** `409`: the nonce was used by another request. */
export class NonceReused extends LogLineError {
  override readonly name = "NonceReused";
}

/** `409`: the state machine has no such step; `details.legal` lists those that it has. */
export class LifecycleConflict extends LogLineError {
  override readonly name = "LifecycleConflict";
}

/** `422`: a signature or the payload hash does not hold; `details.reason` says which. */
export class SignatureInvalid extends LogLineError {
  override readonly name = "SignatureInvalid";
}

/** `422`: the clocks are too far apart; `details.server_time` is the gateway's. */
export class TimestampOutOfRange extends LogLineError {
  override readonly name = "TimestampOutOfRange";
}

/** `429`: a quota is used up. */
export class RateLimited extends LogLineError {
  override readonly name = "RateLimited";
  /** Seconds to wait. */
  readonly retryAfter: number;

  constructor(problem: Problem, retryAfter: number) {
    super(problem);
    this.retryAfter = retryAfter;
  }
}

/** `503`: the queue is full, or a target is down. */
export class Unavailable extends LogLineError {
  override readonly name = "Unavailable";
  /** Seconds to wait. */
  readonly retryAfter: number;

  constructor(problem: Problem, retryAfter: number) {
    super(problem);
    this.retryAfter = retryAfter;
  }
}

/** `400`, `413`, `415`: the request itself is malformed. */
export class BadRequest extends LogLineError {
  override readonly name = "BadRequest";
}

/** `500`: a defect of the gateway. */
export class InternalError extends LogLineError {
  override readonly name = "InternalError";
}

/** `422_TDLN_INVALID`: something is missing; all of it is listed. */
export class FieldsMissing extends LogLineError {
  override readonly name = "FieldsMissing";
  /** Dotted, in document order. */
  readonly missing: readonly string[];
  /** What each is for. */
  readonly why: Readonly<Record<string, string>>;
  /** For a person. */
  readonly suggestedReply: string;

  constructor(answer: NeedMore, status: number) {
    super({ code: answer.code, status, trace_id: answer.trace_id, detail: answer.missing_fields.join(", ") });
    this.missing = answer.missing_fields;
    this.why = answer.why;
    this.suggestedReply = answer.suggested_reply;
  }
}

/** `422_SCHEMA_INVALID`: values are wrong; all of them are listed. */
export class FieldsInvalid extends LogLineError {
  override readonly name = "FieldsInvalid";
  /** With JSON Pointer, keyword and message. */
  readonly errors: readonly FieldError[];
  /** For a person. */
  readonly suggestedReply: string;

  constructor(answer: Invalid, status: number) {
    super({ code: answer.code, status, trace_id: answer.trace_id, detail: answer.errors.map((error) => error.message).join("; ") });
    this.errors = answer.errors;
    this.suggestedReply = answer.suggested_reply;
  }
}

type ProblemClass = new (problem: Problem, retryAfter: number) => LogLineError;

const classes: Readonly<Record<string, ProblemClass>> = {
  "400_FRESHNESS_REQUIRED": BadRequest,
  "400_MALFORMED_HEADER": BadRequest,
  "400_MALFORMED_JSON": BadRequest,
  "401_UNAUTHENTICATED": Unauthenticated,
  "403_FORBIDDEN": Forbidden,
  "403_POLICY_DENIED": PolicyDenied,
  "404_NOT_FOUND": NotFound,
  "409_IDEMPOTENCY_CONFLICT": IdempotencyConflict,
  "409_LIFECYCLE_CONFLICT": LifecycleConflict,
  "409_NONCE_REUSED": NonceReused,
  "413_TOO_LARGE": BadRequest,
  "415_UNSUPPORTED_MEDIA_TYPE": BadRequest,
  "422_PAYLOAD_HASH_MISMATCH": SignatureInvalid,
  "422_SIGNATURE_INVALID": SignatureInvalid,
  "422_TIMESTAMP_OUT_OF_RANGE": TimestampOutOfRange,
  "428_PROOF_REQUIRED": ProofRequired,
  "429_RATE_LIMITED": RateLimited,
  "500_INTERNAL": InternalError,
  "503_ADAPTER_UNAVAILABLE": Unavailable,
  "503_BUSY": Unavailable,
};

/**
 * The error that a refusal stands for. Codes that this version does not know are plain {@link LogLineError}s.
 * @param body What the gateway answered.
 * @param retryAfter Seconds of `Retry-After`.
 */
export function errorOf(status: number, body: unknown, retryAfter = 0): LogLineError {
  const answer = body as { status?: unknown; code?: unknown } | null;
  if (typeof answer !== "object" || answer === null || typeof answer.code !== "string") {
    return new NetworkError({ code: "network", status, detail: `an answer with status ${status} that is not a gateway's`, retryable: status >= 500 });
  }
  if (answer.status === "need_more") return new FieldsMissing(answer as NeedMore, status);
  if (answer.status === "invalid") return new FieldsInvalid(answer as Invalid, status);
  return new (classes[answer.code] ?? (LogLineError as ProblemClass))(answer as Problem, retryAfter);
}
