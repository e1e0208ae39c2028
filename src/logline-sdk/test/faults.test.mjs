// Between the client and the real gateway stands a proxy that breaks connections: answers are lost before and after the gateway has them, streams end at any byte.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import test from "node:test";
import { LogLineSDK, NetworkError, Unavailable } from "@logline/sdk";
import { options, person, sdk } from "./gateway.mjs";

/** A proxy; `fault` decides for each request: `lose` its way there, `lost` on its way back, `{ cut: bytes }`, `{ status, headers, body }`, or nothing. */
async function through(fault, work, extra = {}) {
  const seen = [];
  const server = createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
      seen.push({ headers: incoming.headers, body: Buffer.concat(chunks).toString() });
      const what = fault(seen.length, incoming);
      if (what === "lose") return incoming.socket.destroy();
      if (what?.status) return outgoing.writeHead(what.status, { "Content-Type": "application/problem+json", ...what.headers }).end(JSON.stringify(what.body));
      const onward = request(new URL(incoming.url, options.baseUrl), { method: incoming.method, headers: incoming.headers }, (answer) => {
        if (what === "lost") return answer.resume().on("end", () => incoming.socket.destroy());
        outgoing.writeHead(answer.statusCode, answer.headers);
        let left = what?.cut ?? Infinity;
        answer.on("data", (chunk) => {
          if (left <= 0) return;
          left -= chunk.length;
          outgoing.write(left > 0 ? chunk : chunk.subarray(0, chunk.length + left), left > 0 ? undefined : () => incoming.socket.destroySoon());
        });
        answer.on("end", () => outgoing.end()).on("error", () => incoming.socket.destroy());
      });
      incoming.socket.on("close", () => onward.destroy());
      onward.on("error", () => incoming.socket.destroy());
      onward.end(Buffer.concat(chunks));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(new LogLineSDK({ ...options, ...extra, baseUrl: `http://127.0.0.1:${server.address().port}` }), seen);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const same = (seen) => new Set(seen.map(({ headers, body }) => JSON.stringify([headers["idempotency-key"], headers["x-nonce"], headers["x-timestamp"], headers["x-signature"], body]))).size === 1;

for (const fault of ["lose", "lost"]) {
  test(`an answer that is ${fault === "lose" ? "lost before" : "lost after"} the gateway has it is asked for again, byte for byte, and is one write`, async () => {
    await through((count) => (count <= 2 ? fault : undefined), async (client, seen) => {
      const ack = await client.append(person(`fault-${fault}`));
      assert.equal(seen.length, 3);
      assert.ok(same(seen), "not the same request");
      assert.equal(ack.replayed, fault === "lost");
      assert.equal((await sdk.query({ subject: `urn:registry:person/fault-${fault}` })).items.length, 1);
    });
  });
}

test("503 and 429 are waited for as long as they ask, and not longer than half a minute", async () => {
  const busy = { status: 503, headers: { "Retry-After": "1" }, body: { type: "/problems/503_BUSY", title: "Busy", status: 503, detail: "busy", code: "503_BUSY", trace_id: "0", retryable: true, details: {} } };
  await through((count) => (count === 1 ? busy : undefined), async (client, seen) => {
    const start = performance.now();
    await client.append(person("busy"));
    assert.ok(performance.now() - start >= 990, "it did not wait");
    assert.equal(seen.length, 2);
  });
  await through(() => ({ ...busy, headers: { "Retry-After": "31" } }), async (client, seen) => {
    await assert.rejects(client.append(person("busy")), (error) => error instanceof Unavailable && error.retryAfter === 31);
    assert.equal(seen.length, 1);
  });
});

test("what is no gateway is a network error, after four attempts; a signal ends them", async () => {
  await through(() => ({ status: 502, body: "bad gateway" }), async (client, seen) => {
    await assert.rejects(client.whoami(), NetworkError);
    assert.equal(seen.length, 4);
  });
  const end = new AbortController();
  await through(() => (end.abort(new Error("enough")), "lose"), async (client, seen) => {
    await assert.rejects(client.append(person("aborted"), { signal: end.signal }), /enough/);
    assert.equal(seen.length, 1);
  });
});

test("a stream that is cut at any byte, again and again, loses nothing and brings nothing twice", async () => {
  const subject = "urn:registry:person/cut";
  for (let i = 0; i < 40; i++) await sdk.append(person("cut", `Name ${i} ${"é😀\n".repeat(i)}`));
  // A seeded sequence of lengths, from within the head of the answer to several events.
  let state = 7;
  const next = () => (state = (state * 48271) % 2147483647) % 2500;
  await through((_, incoming) => (incoming.url.startsWith("/v1/stream") ? { cut: next() } : undefined), async (client, seen) => {
    const names = [];
    for await (const { span, seq } of client.stream({ subject, after: 0, retryMs: 1 })) {
      names.push(span.payload.name);
      assert.ok(seq > 0);
      if (names.length === 40) break;
    }
    assert.deepEqual(names, Array.from({ length: 40 }, (_, i) => `Name ${i} ${"é😀\n".repeat(i)}`));
    assert.ok(seen.length > 5, `only ${seen.length} connections`);
  });
});

test("a stream whose token is refused ends with the error", async () => {
  const stream = new LogLineSDK({ ...options, apiKey: "ll_wrong" }).stream({ after: 0 });
  await assert.rejects(stream.next(), { name: "Unauthenticated" });
});
