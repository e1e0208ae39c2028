// The README's quick start with a client made by @hey-api/openapi-ts: functions named by operation id.
import { client } from "./client/client.gen.js";
import { getReceipt, querySpans, submitSpans, whoAmI } from "./client/sdk.gen.js";

client.setConfig({ baseUrl: process.env.LOGLINE_URL!, auth: process.env.LOGLINE_TOKEN! });

const me = await whoAmI({ throwOnError: true });
const posted = await submitSpans({
  throwOnError: true,
  headers: { "X-Nonce": crypto.randomUUID(), "X-Timestamp": new Date().toISOString() },
  body: {
    intent: "registry.person.create",
    subject: "urn:registry:person/rui",
    payload: { name: "Rui", email: "rui@example.com", country: "PT", consent: true },
  },
});
const ack = posted.data;
if (Array.isArray(ack) || ack.status !== "ok") throw new Error(JSON.stringify(ack));
if (ack.receipt.entry.tenant !== me.data.tenant) throw new Error(JSON.stringify(me.data));

const receipt = await getReceipt({ throwOnError: true, path: { name: ack.this } });
if (typeof receipt.data === "string" || receipt.data.entry.this !== ack.this) throw new Error(JSON.stringify(receipt.data));
const page = await querySpans({ throwOnError: true, body: { subject: "urn:registry:person/rui" } });
if (page.data.items[0]?.this !== ack.this) throw new Error(JSON.stringify(page.data));
console.log(`hey-api: ${ack.this}`);
