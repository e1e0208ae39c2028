// The same schemas and the same instances through ajv. Answers each line on standard input, which names a piece of work, with the processor time of one piece in
// nanoseconds; SchemaBenchmark asks. Runs in a folder where ajv is installed (tests/openapi); the argument is the folder of the catalogue's schemas.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(join(process.cwd(), "x.js"));
const Ajv = require("ajv/dist/2020").default;
const addFormats = require("ajv-formats").default;
const [folder] = process.argv.slice(2);
const read = (path) => readFileSync(path, "utf8");

const text = read(new URL("deploy-apply.json", import.meta.url));
const instance = JSON.parse(text);
const validate = new Ajv().compile(JSON.parse(read(new URL("deploy-apply.schema.json", import.meta.url))));

// Every intent of the catalogue with its examples. Strict mode is about the style of schemas, and knows no x-logline.
const ajv = addFormats(new Ajv({ strict: false }));
const schemas = (path) => readdirSync(path).filter((name) => name.endsWith(".schema.json")).map((name) => JSON.parse(read(join(path, name))));
schemas(folder).forEach((schema) => ajv.addSchema(schema));
const examples = schemas(join(folder, "intents")).flatMap((schema) => (schema.examples ?? []).map((example) => ({ validate: ajv.compile(schema), example })));

const must = (valid) => {
  if (!valid) throw new Error("not valid");
};
const works = {
  span: () => must(validate(instance)),
  parsed: () => must(validate(JSON.parse(text))),
  catalogue: () => {
    for (const each of examples) must(each.validate(each.example));
  },
};

function spend(work, times) {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / times;
}

// Three seconds until the compiler has had its turns, and how often the work fits into 20 ms.
function calibrate(work) {
  const end = performance.now() + 3_000;
  while (performance.now() < end) spend(work, 100);
  return Math.max(1, Math.round(20_000_000 / spend(work, 1_000)));
}

const times = Object.fromEntries(Object.entries(works).map(([name, work]) => [name, calibrate(work)]));
console.log(`${examples.length} examples`);
for await (const name of createInterface({ input: process.stdin })) console.log(spend(works[name], times[name]));
