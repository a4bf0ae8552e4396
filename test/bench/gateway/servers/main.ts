import { Session } from "node:inspector/promises";
import type { Order, Told } from "./orders.js";

/** How each contestant that runs in Node begins to serve; `argument` is an upstream's port or a folder. */
const contestants: Readonly<Record<string, (argument: string) => Promise<number | Told>>> = {
  "raw-http": async () => (await import("./raw.js")).serveRawHttp(),
  "raw-http2": async () => (await import("./raw.js")).serveRawHttp2(),
  "connect-http1": async () => (await import("./peers.js")).serveConnectHttp1(),
  "connect-http2": async () => (await import("./peers.js")).serveConnectHttp2(),
  "grpc-js": async () => (await import("./peers.js")).serveGrpcJs(),
  fastify: async (folder) => (await import("./peers.js")).serveFastify(folder),
  platform: async () => (await import("./platform.js")).servePlatform(),
  generic: async (upstream) => (await import("./generic.js")).serveGeneric(upstream, "node"),
  "generic-own": async (upstream) => (await import("./generic.js")).serveGeneric(upstream, "own"),
};

const [name = "", argument = ""] = process.argv.slice(2);
const serve = contestants[name];
if (!serve || !process.send) throw new Error(`there is no contestant ${name}, or nobody to tell its port`);

// Whoever started it may give up before it listens.
process.on("disconnect", () => process.exit(0));
const told = await serve(argument);
process.send(typeof told === "number" ? { port: told } : told);

process.on("message", async ({ profileMs }: Order) => {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  await new Promise((resolve) => setTimeout(resolve, profileMs));
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  process.send?.({ profile });
});
