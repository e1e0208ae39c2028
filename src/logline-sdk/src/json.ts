/** What JSON is to the gateway: values, limits, and what is wrong with others. */
import { composed } from "./normal-form.js";

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
    this.path = pointerTo(key) + this.path;
    this.message = `${this.#reason} (at ${this.path})`;
    return this;
  }
}

/** The JSON Pointer of a member or an element, from the object or array that has it. */
export const pointerTo = (key: string | number): string => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** Half of a surrogate pair. */
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** A text in NFC. */
export function compose(text: string): string {
  if (loneSurrogate.test(text)) throw new JsonError("a string holds half of a surrogate pair");
  return composed(text);
}
