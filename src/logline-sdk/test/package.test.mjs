import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";

const root = new URL("..", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
const modules = ["bytes", "canonical", "ed25519", "errors", "http", "index", "json", "normal-form", "receipts", "sdk", "signatures", "stream", "strict", "types", "webhooks"];

test("the package holds what was built, its README and its licence, and nothing else", () => {
  const [packed] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--offline"], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  const files = packed.files.map((file) => file.path);
  assert.deepEqual(files.sort(), ["LICENSE", "README.md", "package.json", ...modules.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`])].sort());
  assert.ok(packed.size < 64 * 1024, `${packed.size} bytes`);
});

test("it depends on nothing but @noble", () => {
  for (const name of Object.keys(manifest.dependencies)) assert.match(name, /^@noble\//);
  for (const module of modules) {
    for (const [, from] of readFileSync(new URL(`dist/${module}.js`, root), "utf8").matchAll(/from "([^"]+)"/g)) assert.match(from, /^(\.\/|@noble\/)/, `${module} imports ${from}`);
  }
});
