import { compose, type Json, JsonError, jsonLimits } from "./json.js";

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
      const key = this.#text[this.#at] === '"' ? this.#string() : this.#fail();
      if (seen.size === seen.add(compose(key)).size) throw new JsonError(`the key ${JSON.stringify(key)} stands twice`);
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
    compose(text); // refuses what has no NFC
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
