// What the tests against a gateway share: LOGLINE_URL and LOGLINE_TOKEN name a real one, with an empty ledger of its own and a target called "fake".
import { LogLineSDK } from "@logline/sdk";

export const options = { baseUrl: process.env.LOGLINE_URL, apiKey: process.env.LOGLINE_TOKEN };

export const sdk = new LogLineSDK(options);

export const person = (slug, name = "Joana") => ({
  intent: "registry.person.create",
  subject: `urn:registry:person/${slug}`,
  payload: { name, email: `${slug}@example.com`, country: "PT", consent: true },
});

/** The first items of a stream or another sequence. */
export async function take(items, count) {
  const taken = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
