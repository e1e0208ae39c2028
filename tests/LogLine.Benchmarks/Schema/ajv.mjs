// The same schema and the same instance through ajv, for comparison. Run it where ajv is installed, outside this repository:
//   npm install ajv && node <this file>
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const Ajv = createRequire(join(process.cwd(), "x.js"))("ajv/dist/2020").default;
const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const text = read("deploy-apply.json");
const validate = new Ajv().compile(JSON.parse(read("deploy-apply.schema.json")));
const instance = JSON.parse(text);

function best(work) {
  let least = Infinity;
  for (let round = 0; round < 400; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < 1_000; i++) if (!work()) throw new Error("not valid");
    least = Math.min(least, Number(process.hrtime.bigint() - start) / 1_000);
  }
  return least.toFixed(0);
}

console.log(`ajv: validate ${best(() => validate(instance))} ns, parse and validate ${best(() => validate(JSON.parse(text)))} ns`);
