// The README's programs, run as they stand, one after the other, in a process of their own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const programs = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]);

test("the README has programs", () => assert.ok(programs.length >= 3));

for (const [i, program] of programs.entries()) {
  test(`program ${i + 1} of the README runs`, async () => {
    // Modules have no name to be found by from a data URL, so the package is named by its file.
    const code = program.replaceAll('"@logline/sdk"', JSON.stringify(new URL("../dist/index.js", import.meta.url).href));
    await import(`data:text/javascript,${encodeURIComponent(code)}`);
  });
}
