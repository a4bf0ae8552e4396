import { openDuckdb } from "../../services/analytics/store/duckdb/store.js";
import { generate, inSequence } from "../analytics/store/decisions.js";

// A process that keeps decisions in the directory of its argument, batch by batch from the one of its second, until it is killed.
const [directory = "", from = "0"] = process.argv.slice(2);
const size = 200;
const store = await openDuckdb({ directory });
const { decisions, labels } = inSequence(generate({ count: 8000, seed: 7, tenantIds: ["t"] }), 10_000);
for (let batch = Number(from); batch * size < decisions.length; batch++) {
  const part = decisions.slice(batch * size, (batch + 1) * size);
  const ids = new Set(part.map(({ decisionId }) => decisionId));
  await store.append({ decisions: part, labels: labels.filter(({ decisionId }) => ids.has(decisionId)) });
  process.stdout.write(`${batch}\n`);
}
await store.close();
