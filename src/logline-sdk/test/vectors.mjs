// The public vectors: in LOGLINE_VECTORS, else in ../shared/vectors beside the repository. A clone has none: there the test is skipped by name, unless
// LOGLINE_REQUIRE_ALL=1.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = process.env.LOGLINE_VECTORS || fileURLToPath(new URL("../../../../shared/vectors", import.meta.url));

/** The option of `test` that skips where a suite is missing. */
export function needs(suite) {
  if (existsSync(join(root, suite))) return {};
  if (process.env.LOGLINE_REQUIRE_ALL === "1") throw new Error(`the vectors '${suite}' are missing, both in LOGLINE_VECTORS and in ../shared/vectors`);
  return { skip: `the vectors '${suite}' are missing` };
}

/** Every file of a suite: name and bytes. */
export function files(suite) {
  const found = readdirSync(join(root, suite), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith(".json"));
  if (found.length === 0) throw new Error(`${suite} is empty`);
  return found.map((entry) => ({ name: entry.name, bytes: readFileSync(join(entry.parentPath ?? entry.path, entry.name)) }));
}

/** One file, parsed. */
export const read = (suite, name) => JSON.parse(files(suite).find((file) => file.name === name).bytes.toString());
