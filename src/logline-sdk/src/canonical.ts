/**
 * Canonical JSON ("JSON✯Atomic"): one spelling for every value, so that hashes and signatures are over bytes that every party computes alike.
 * Members are sorted by code point of their NFC keys, there is no white space, numbers are integers in ±(2^53 − 1).
 */
import { compose, JsonError, jsonLimits, pointerTo } from "./json.js";
import { composed } from "./normal-form.js";

const encoder = new TextEncoder();
// Anything but printable ASCII without quote and backslash: such a text is canonical as it stands, and is nearly everything.
const unplain = /[^ !#-[\]-~]/;

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

/**
 * Where the first text stands that the canonical form alters because it is not in NFC: a JSON Pointer, of a name that of the object that has it. Undefined
 * where there is none.
 */
export function altered(value: unknown): string | undefined {
  if (typeof value === "string") return unplain.test(value) && composed(value) !== value ? "" : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, member] of Object.entries(value)) {
    if (altered(key) !== undefined) return "";
    const below = altered(member);
    if (below !== undefined) return pointerTo(key) + below;
  }
  return undefined;
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
  const named = keys.map((key) => ({ key, nfc: compose(key) })).sort((a, b) => byCodePoint(a.nfc, b.nfc));
  let text = "";
  for (let i = 0; i < named.length; i++) {
    const { key, nfc } = named[i]!;
    if (i > 0 && named[i - 1]!.nfc === nfc) throw new JsonError(`the key ${JSON.stringify(nfc)} stands twice`);
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
