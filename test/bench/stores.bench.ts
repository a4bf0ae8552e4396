import { hits, publishing, throughput } from "./events.js";
import type { Bench } from "./main.js";

/** What stores cost, on servers that it starts itself: PostgreSQL, NATS and Redis have to be installed. */
export const bench: Bench = async () => [...(await publishing()), ...(await throughput()), ...(await hits())];
