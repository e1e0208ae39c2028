import { LogLineError, NetworkError } from "./errors.js";
import { sleep, type Transport } from "./http.js";
import type { Span, SpanFilter } from "./types.js";

/** A span and its place: `seq` is the log index + 1, and what `after` takes. */
export interface StreamItem {
  readonly seq: number;
  readonly span: Span;
}

/** Something that matches was there and cannot be shown: it was `erased`, is not kept any more (`pruned`), or the cursor is of another log (`ahead`). */
export interface StreamGap {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** How to follow the ledger. */
export interface StreamOptions extends SpanFilter {
  /** Resume behind this `seq`; 0 is from the beginning; what happens from now on when not given. */
  readonly after?: number;
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Milliseconds before a broken connection is made again, more after each failure; what the gateway asks for when not given. */
  readonly retryMs?: number;
  /** Called for what cannot be shown; without it a gap is an error, because silence would be a loss. */
  readonly onGap?: (gap: StreamGap) => void;
}

// Three heartbeats of 15 s.
const silenceMs = 45_000;
const longestPauseMs = 10_000;
const maxEventChars = 4 << 20;

/**
 * The spans behind a cursor, as they come, in order, each once: a connection that breaks is made again and resumes with the last `seq`. It ends with the
 * signal, or with the error of a gateway that refuses (a revoked token, say).
 */
export async function* follow(transport: Transport, options: StreamOptions): AsyncGenerator<StreamItem, void, undefined> {
  const { signal, onGap } = options;
  let cursor = options.after;
  let retryMs = options.retryMs ?? 1000;
  let failures = 0;
  while (!signal?.aborted) {
    const connection = new AbortController();
    const both = signal === undefined ? connection.signal : AbortSignal.any([signal, connection.signal]);
    let watch = setTimeout(() => connection.abort(), silenceMs);
    try {
      const response = await transport.open(pathOf(options), { Accept: "text/event-stream", ...(cursor === undefined ? {} : { "Last-Event-ID": `${cursor}` }) }, both);
      for await (const event of events(response, () => {
        clearTimeout(watch);
        watch = setTimeout(() => connection.abort(), silenceMs);
      })) {
        failures = 0;
        retryMs = options.retryMs ?? event.retry ?? retryMs;
        // Where a live stream begins is a cursor too: what comes while the first connection breaks is not lost.
        if (cursor === undefined && event.from !== undefined) cursor = event.from;
        if (event.type === "gap") gap(JSON.parse(event.data) as StreamGap, onGap);
        if (event.id === undefined || event.id <= (cursor ?? -1)) continue;
        cursor = event.id;
        if (event.type === "span") yield { seq: event.id, span: JSON.parse(event.data) as Span };
      }
    } catch (defect) {
      if (signal?.aborted) return;
      if (defect instanceof LogLineError && !defect.retryable && !(defect instanceof NetworkError)) throw defect;
    } finally {
      clearTimeout(watch);
      connection.abort();
    }
    await sleep(Math.min(longestPauseMs, retryMs * 2 ** Math.min(failures++, 4)) * (0.5 + Math.random() / 2), signal).catch(() => undefined);
  }
}

function gap(found: StreamGap, onGap: ((gap: StreamGap) => void) | undefined): void {
  if (onGap === undefined) throw new LogLineError({ code: "gap", detail: `seq ${found.from} to ${found.to} cannot be shown (${found.reason}); give onGap to go on`, details: { ...found } });
  onGap(found);
}

function pathOf({ subject, run_id, intent }: SpanFilter): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ subject, run_id, intent })) if (value !== undefined) query.set(name, value);
  return `/v1/stream${query.size > 0 ? `?${query}` : ""}`;
}

interface ServerEvent {
  readonly type: string;
  readonly data: string;
  readonly id?: number;
  readonly retry?: number;
  readonly from?: number;
}

/** Server-sent events (WHATWG), of which the gateway uses `id`, `event`, `data`, `retry` and the comment `from N`. */
async function* events(response: Response, heard: () => void): AsyncGenerator<ServerEvent, void, undefined> {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event: { -readonly [Member in keyof ServerEvent]?: ServerEvent[Member] } = {};
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      heard();
      const lines = (rest + decoder.decode(part.value, { stream: true })).split("\n");
      rest = lines.pop()!;
      if (rest.length > maxEventChars) throw new NetworkError({ code: "network", detail: "an event has no end" });
      for (const line of lines) {
        if (line === "") {
          yield { type: event.type ?? "", data: event.data ?? "", ...event };
          event = {};
        } else {
          field(event, line);
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function field(event: { -readonly [Member in keyof ServerEvent]?: ServerEvent[Member] }, line: string): void {
  const colon = line.indexOf(":");
  const [name, value] = [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
  switch (name) {
    case "":
      if (/^from \d+$/.test(value)) event.from = Number(value.slice(5));
      break;
    case "id":
      if (/^\d+$/.test(value)) event.id = Number(value);
      break;
    case "event":
      event.type = value;
      break;
    case "data":
      event.data = event.data === undefined ? value : `${event.data}\n${value}`;
      break;
    case "retry":
      if (/^\d+$/.test(value)) event.retry = Number(value);
  }
}
