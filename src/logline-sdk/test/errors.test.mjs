import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import * as sdk from "@logline/sdk";

const openApi = JSON.parse(readFileSync(new URL("../../../schemas/openapi.json", import.meta.url), "utf8"));
const codes = openApi.components.schemas.Problem.properties.code.enum;

test("every code of the API document is an error with a class of its own name", () => {
  for (const code of codes) {
    const body = {
      "422_TDLN_INVALID": openApi.components.schemas.NeedMore.examples[0],
      "422_SCHEMA_INVALID": openApi.components.schemas.Invalid.examples[0],
    }[code] ?? openApi.components.examples[code].value;
    const error = sdk.errorOf(Number(code.slice(0, 3)), body, 3);
    assert.ok(error instanceof sdk.LogLineError && error.constructor !== sdk.LogLineError && error.constructor !== sdk.NetworkError, code);
    assert.equal(error.name, error.constructor.name);
    assert.equal(error.code, code);
    assert.equal(error.status, Number(code.slice(0, 3)));
    assert.equal(sdk[error.name], error.constructor, `${error.name} is not exported`);
  }
});

test("a code that this version does not know is an error all the same, and what is no gateway's is named so", () => {
  assert.equal(sdk.errorOf(418, { code: "418_TEAPOT", status: 418, title: "Short and stout" }).message, "418_TEAPOT: Short and stout");
  assert.ok(sdk.errorOf(502, "<html>") instanceof sdk.NetworkError);
  assert.equal(sdk.errorOf(404, null).retryable, false);
});
