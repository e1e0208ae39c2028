// Manifests against the types that Kubernetes' own OpenAPI document makes: a member that there is not, one that is missing and one of another type are errors of the compiler.
// Run: node check.mjs FILE…
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { parseAllDocuments } from "yaml";

const declarations = process.argv.slice(2).flatMap((file) =>
  parseAllDocuments(readFileSync(file, "utf8"), { version: "1.1" }).map((document, i) => {
    if (document.errors.length > 0) throw document.errors[0];
    const manifest = document.toJSON();
    // "v1" is the group "core"; of "networking.k8s.io/v1" the types are in "networking/v1".
    const [group, version] = manifest.apiVersion.includes("/") ? manifest.apiVersion.split("/") : ["core", manifest.apiVersion];
    return `/* ${file}, document ${i + 1} */ export const d${i}_${Math.random().toString(36).slice(2)}: import("kubernetes-types/${group.replace(/\.k8s\.io$/, "")}/${version}").${manifest.kind} = ${JSON.stringify(manifest)};`;
  }));

const name = fileURLToPath(new URL("manifests.ts", import.meta.url));
const options = { strict: true, noEmit: true, skipLibCheck: true, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, types: [] };
const host = ts.createCompilerHost(options);
const { readFile, fileExists } = host;
host.fileExists = (file) => file === name || fileExists(file);
host.readFile = (file) => (file === name ? declarations.join("\n") : readFile(file));

const wrong = ts.getPreEmitDiagnostics(ts.createProgram([name], options, host));
for (const { file, start, messageText } of wrong) {
  const line = file ? declarations[file.getLineAndCharacterOfPosition(start).line] : "";
  console.error(`${line.slice(0, line.indexOf("*/") + 2)} ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
}
console.log(`${declarations.length} manifests, ${wrong.length} errors`);
process.exitCode = declarations.length > 0 && wrong.length === 0 ? 0 : 1;
