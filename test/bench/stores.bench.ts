import { hits, publishing, throughput } from "./events.js";
import { hearing } from "./hearing.js";
import type { Bench } from "./main.js";
import { writing } from "./writes.js";

const parts = { writing, publishing, throughput, hits, hearing };

/**
 * What stores cost, on servers that it starts itself: PostgreSQL, NATS and Redis
 * have to be installed. Names of parts run these alone.
 */
export const bench: Bench = async (args) => {
  const wanted = Object.entries(parts).filter(([name]) => args.includes(name));
  const rows = [];
  for (const [, part] of wanted.length > 0 ? wanted : Object.entries(parts)) rows.push(...(await part()));
  return rows;
};
