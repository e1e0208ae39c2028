// The SDK in Chromium, against a real gateway: a page that this program serves imports the package as it was built, works with it, and reports. Requests of the
// page to the gateway go through here, because a browser asks its page's own origin. LOGLINE_URL and LOGLINE_TOKEN name the gateway.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const gateway = process.env.LOGLINE_URL;
const page = `<!doctype html><meta charset="utf-8"><title>@logline/sdk</title>
<script type="importmap">{"imports":{"@logline/sdk":"/dist/index.js","@noble/ed25519":"/node_modules/@noble/ed25519/index.js","@noble/hashes/":"/node_modules/@noble/hashes/"}}</script>
<script type="module">
  import { work } from "/test/browser-page.mjs";
  const result = await work(location.origin, ${JSON.stringify(process.env.LOGLINE_TOKEN)}).catch((error) => "failed: " + (error?.stack ?? error));
  await fetch("/result", { method: "POST", body: result });
</script>`;

let latest; // the page's last request
const open = new Set(); // those without an answer
let works = false; // it has asked the gateway
let report;
const reported = new Promise((resolve) => (report = resolve));

const server = createServer((incoming, outgoing) => {
  const path = normalize(new URL(incoming.url, "http://page").pathname);
  const asked = (latest = `${incoming.method} ${incoming.url}`);
  open.add(asked);
  outgoing.on("close", () => open.delete(asked));
  if (path === "/") return outgoing.writeHead(200, { "Content-Type": "text/html" }).end(page);
  if (path === "/result") {
    const chunks = [];
    return incoming.on("data", (chunk) => chunks.push(chunk)).on("end", () => (outgoing.end(), report(Buffer.concat(chunks).toString())));
  }
  if (/^\/(dist|node_modules\/@noble|test)\//.test(path)) {
    return outgoing.writeHead(200, { "Content-Type": "text/javascript" }).end(readFileSync(join(root, path)));
  }
  works ||= path.startsWith("/v1/");
  const onward = request(new URL(incoming.url, gateway), { method: incoming.method, headers: incoming.headers }, (answer) => {
    outgoing.writeHead(answer.statusCode, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on("error", () => incoming.socket.destroy());
  outgoing.on("close", () => onward.destroy());
  incoming.pipe(onward);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

// A browser whose page never asks the gateway hangs or ends in its own start, or in making its first key, which says nothing of the SDK: another one is started. When all of them do it, and when a page hangs at its
// work, it is a failure.
let result;
for (let attempt = 1; result === undefined; attempt++) {
  const isAnother = () => !works && attempt < 3;
  const browser = startBrowser(isAnother);
  result = await Promise.race([reported, browser.gone, silence(30_000, isAnother).then(() => undefined), silence(90_000, () => true)]);
  await browser.end();
}
server.closeAllConnections();
server.close();
console.log(result);
process.exitCode = result.startsWith("ok") ? 0 : 1;

// Resolves after so many milliseconds, if it holds then.
function silence(time, holds) {
  return new Promise((resolve) => setTimeout(() => holds() && resolve(`failed: no result; the page's last request was ${latest ?? "none"}, without an answer ${[...open].join(", ") || "none"}`), time).unref());
}

function startBrowser(isAnother) {
  const profile = mkdtempSync(join(tmpdir(), "logline-chromium-"));
  // No sandbox: as root Chromium has none, and the page is ours.
  const browser = spawn("chromium", ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", `--user-data-dir=${profile}`, `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore", detached: true });
  browser.on("error", (error) => report(`failed: ${error.message}`));
  const gone = new Promise((resolve) => browser.on("exit", (code) => (isAnother() ? resolve(undefined) : report(`failed: Chromium ended with ${code}`))));
  return {
    gone,
    async end() {
      browser.removeAllListeners("exit");
      const ended = new Promise((resolve) => (browser.exitCode === null && browser.pid ? browser.once("exit", resolve) : resolve()));
      try {
        process.kill(-browser.pid, "SIGKILL"); // with what it started
      } catch {
        // It has ended already.
      }
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
