/**
 * Canonical JSON ("JSON✯Atomic"): one spelling for every value, so that hashes and signatures are over bytes that every party computes alike.
 * Members are sorted by code point of their NFC keys, there is no white space, numbers are integers in ±(2^53 − 1).
 */

/** A value that can stand in JSON. Members that are `undefined` are left out, as `JSON.stringify` does. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** An object of JSON. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** The limits of the gateway. */
export const jsonLimits = { depth: 32, elements: 10_000, members: 1_000, bodyBytes: 1 << 20 } as const;

/** A value has no canonical form, or a text is not strict JSON. `path` is a JSON Pointer. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  /** Where it stands. */
  path: string;
  readonly #reason: string;

  constructor(reason: string, path = "") {
    super(reason);
    this.#reason = reason;
    this.path = path;
  }

  /** The same error seen from one level up. */
  below(key: string | number): this {
    this.path = `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}${this.path}`;
    this.message = `${this.#reason} (at ${this.path})`;
    return this;
  }
}

const encoder = new TextEncoder();
// Anything but printable ASCII without quote and backslash: such a text is canonical as it stands, and is nearly everything.
const unplain = /[^ !#-[\]-~]/;
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/**
 * The canonical text of a value.
 * @throws {JsonError} for what has none: fractions, integers beyond ±(2^53 − 1), `-0`, lone surrogates, keys that are equal after NFC, `bigint`,
 * functions, dates and other instances, and what passes {@link jsonLimits}.
 */
export function canonicalize(value: unknown): string {
  return write(value, 0);
}

/** UTF-8 of {@link canonicalize}. */
export function canonicalBytes(value: unknown): Uint8Array {
  return encoder.encode(write(value, 0));
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return integer(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (depth === jsonLimits.depth) throw new JsonError(`nests deeper than ${jsonLimits.depth} levels`);
      return Array.isArray(value) ? list(value, depth + 1) : object(value, depth + 1);
    default:
      throw new JsonError(`a ${typeof value} has no canonical form`);
  }
}

function integer(value: number): string {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    throw new JsonError(`${Object.is(value, -0) ? "-0" : value} has no canonical form: send an integer in ±(2^53 − 1), or a string`);
  }
  return `${value}`;
}

function quote(text: string): string {
  return unplain.test(text) ? JSON.stringify(compose(text)) : `"${text}"`;
}

function compose(text: string): string {
  if (loneSurrogate.test(text)) throw new JsonError("a string holds half of a surrogate pair");
  return text.normalize("NFC");
}

function list(items: readonly unknown[], depth: number): string {
  if (items.length > jsonLimits.elements) throw new JsonError(`an array has more than ${jsonLimits.elements} elements`);
  let text = "[";
  for (let i = 0; i < items.length; i++) {
    if (i > 0) text += ",";
    try {
      text += write(items[i], depth);
    } catch (defect) {
      throw defect instanceof JsonError ? defect.below(i) : defect;
    }
  }
  return `${text}]`;
}

function object(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new JsonError("only plain objects have a canonical form; write dates and the like as strings");
  const members = value as Record<string, unknown>;
  const keys = Object.keys(members);
  if (keys.length > jsonLimits.members) throw new JsonError(`an object has more than ${jsonLimits.members} members`);
  if (keys.some((key) => unplain.test(key))) return unusual(members, keys, depth);
  // Plain ASCII: order of code units is order of code points, and most objects come in the same few orders.
  for (let i = 1; i < keys.length; i++) {
    if (keys[i]! < keys[i - 1]!) {
      keys.sort();
      break;
    }
  }
  let text = "";
  for (const key of keys) text += member(text, `"${key}"`, key, members[key], depth);
  return `{${text}}`;
}

/** An object with keys beyond plain ASCII. */
function unusual(members: Record<string, unknown>, keys: readonly string[], depth: number): string {
  const composed = keys.map((key) => ({ key, nfc: compose(key) })).sort((a, b) => byCodePoint(a.nfc, b.nfc));
  let text = "";
  for (let i = 0; i < composed.length; i++) {
    const { key, nfc } = composed[i]!;
    if (i > 0 && composed[i - 1]!.nfc === nfc) throw new JsonError(`the key ${JSON.stringify(nfc)} stands twice`);
    text += member(text, JSON.stringify(nfc), key, members[key], depth);
  }
  return `{${text}}`;
}

function member(before: string, quoted: string, key: string, value: unknown, depth: number): string {
  if (value === undefined) return "";
  try {
    return `${before === "" ? "" : ","}${quoted}:${write(value, depth)}`;
  } catch (defect) {
    throw defect instanceof JsonError ? defect.below(key) : defect;
  }
}

/** Order of code points, which is the order of UTF-8 bytes; code units differ from it above U+FFFF. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) {
      // Surrogates stand for what is above everything else.
      if (x >= 0xd800 && y >= 0xd800) {
        x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
        y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
      }
      return x - y;
    }
  }
  return a.length - b.length;
}

/**
 * Reads JSON strictly, as the gateway does: no BOM, no duplicate keys (after NFC), no lone surrogates, no number without a canonical form, within
 * {@link jsonLimits}. `JSON.parse` lets all of these pass, and keeps the last of two equal keys.
 * @throws {JsonError}
 */
export function parseJson(text: string | Uint8Array): Json {
  return new Reader(typeof text === "string" ? text : decode(text)).whole();
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new JsonError("the text is not UTF-8");
  }
}

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const space = /[ \t\n\r]*/y;
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Json {
    if (this.#text.startsWith("\uFEFF")) throw new JsonError("the text begins with a byte order mark");
    const value = this.#value(0);
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  #value(depth: number): Json {
    this.#match(space);
    const value = this.#bare(depth);
    this.#match(space);
    return value;
  }

  #bare(depth: number): Json {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth + 1);
      case "[":
        return this.#array(depth + 1);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): Json {
    this.#enter(depth);
    const members: Record<string, Json> = Object.create(null) as Record<string, Json>;
    const seen = new Set<string>();
    if (this.#skip("}")) return {};
    do {
      this.#match(space);
      const key = this.#text[this.#at] === '"' ? this.#string().normalize("NFC") : this.#fail();
      if (seen.size === seen.add(key).size) throw new JsonError(`the key ${JSON.stringify(key)} stands twice`);
      if (seen.size > jsonLimits.members) throw new JsonError(`an object has more than ${jsonLimits.members} members`);
      this.#match(space);
      if (!this.#take(":")) this.#fail();
      members[key] = this.#value(depth);
    } while (this.#take(","));
    if (!this.#take("}")) this.#fail();
    return { ...members }; // a plain object for everybody else; `__proto__` is a member like any other
  }

  #array(depth: number): Json {
    this.#enter(depth);
    const items: Json[] = [];
    if (this.#skip("]")) return items;
    do {
      if (items.length === jsonLimits.elements) throw new JsonError(`an array has more than ${jsonLimits.elements} elements`);
      items.push(this.#value(depth));
    } while (this.#take(","));
    if (!this.#take("]")) this.#fail();
    return items;
  }

  #string(): string {
    const found = this.#match(string) ?? this.#fail();
    const text = found.includes("\\") ? (JSON.parse(found) as string) : found.slice(1, -1);
    if (loneSurrogate.test(text)) throw new JsonError("a string holds half of a surrogate pair");
    return text;
  }

  #number(): number {
    const found = this.#match(number) || this.#fail();
    if (!/^-?[0-9]+$/.test(found) || found === "-0" || !Number.isSafeInteger(Number(found))) {
      throw new JsonError(`${found} has no canonical form: an integer in ±(2^53 − 1) is needed`);
    }
    return Number(found);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail();
    this.#at += word.length;
    return value;
  }

  #enter(depth: number): void {
    if (depth > jsonLimits.depth) throw new JsonError(`nests deeper than ${jsonLimits.depth} levels`);
    this.#at++;
  }

  #skip(end: string): boolean {
    this.#match(space);
    return this.#take(end);
  }

  #take(symbol: string): boolean {
    if (this.#text[this.#at] !== symbol) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(): never {
    throw this.#unexpected();
  }

  #unexpected(): JsonError {
    const found = this.#text[this.#at];
    return new JsonError(found === undefined ? "the text ends too early" : `unexpected ${JSON.stringify(found)} at character ${this.#at + 1}`);
  }
}
