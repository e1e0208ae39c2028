// The README's quick start with a client made by openapi-typescript: a span is posted, its receipt and the span itself are read back.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const client = createClient<paths>({ baseUrl: process.env.LOGLINE_URL!, headers: { Authorization: `ApiKey ${process.env.LOGLINE_TOKEN!}` } });

const span: components["schemas"]["Span"] = {
  intent: "registry.person.create",
  subject: "urn:registry:person/joana",
  payload: { name: "Joana", email: "joana@example.com", country: "PT", consent: true },
};
const write = () => ({ "X-Nonce": crypto.randomUUID(), "X-Timestamp": new Date().toISOString() });

const posted = await client.POST("/v1/spans", { params: { header: write() }, body: span });
if (posted.error) throw new Error(JSON.stringify(posted.error));
const ack = posted.data;
if (Array.isArray(ack) || ack.status !== "ok") throw new Error(JSON.stringify(ack));

const receipt = await client.GET("/v1/spans/{name}/receipt", { params: { path: { name: ack.this } } });
if (typeof receipt.data !== "object" || receipt.data.log_index !== ack.receipt.log_index || receipt.data.entry.this !== ack.this) throw new Error(JSON.stringify(receipt));

const page = await client.POST("/v1/spans/query", { body: { subject: "urn:registry:person/joana", limit: 10 } });
if (page.data?.items[0]?.this !== ack.this) throw new Error(JSON.stringify(page));

const refused = await client.POST("/v1/spans", { params: { header: write() }, body: { intent: "deploy.apply", subject: "urn:minicontainer:dev/web", payload: {} } });
if (refused.response.status !== 422 || refused.error === undefined || !("missing_fields" in refused.error)) throw new Error(JSON.stringify(refused.error));
console.log(`openapi-fetch: ${ack.this} ${refused.error.missing_fields.join(" ")}`);
