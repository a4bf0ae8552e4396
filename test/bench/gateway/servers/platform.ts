import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DescService } from "@bufbuild/protobuf";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { destination } from "pino";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { PlansService } from "#gen/ts/consciousness/auth/v1/plans_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { restHandler, routeProblems } from "../../../../services/gateway/rest.js";
import { configSource } from "../../../../services/kit/config.js";
import { startProcess } from "../../../../services/kit/process/process.js";
import { type Implementation, implement, preparable } from "../../../../services/kit/workload.js";
import { goodClaims, goodHeader, type Pair, rs256, rsaPair } from "../../../kit/tokens/forge.js";
import { answer, governedService } from "../contract/review.js";
import { portOf } from "./raw.js";

/**
 * The platform's own process with the review service in place of its workloads
 * and everything on: authentication by a cached token, authorization, limits in
 * memory, validation, metrics, an access log to a file, tracing sampled out.
 */
export async function servePlatform(): Promise<{ readonly port: number; readonly token: string }> {
  const keys = rsaPair("k1");
  const directory = await mkdtemp(join(tmpdir(), "bench-platform-"));
  const service = governedService(Workload.GATEWAY);
  const running = await startProcess({
    names: ["gateway"],
    source: configSource({
      GATEWAY_PORT: "0",
      AUTH_URL: `http://127.0.0.1:${await serveKeys(keys)}`,
      DATA_DIR: directory,
      PEER_SECRET: "a secret for the bench alone, no more",
      RATE_PER_SECOND: "1000000",
      RATE_BURST: "1000000",
      RATE_PER_MINUTE: "1000000",
      TIER_BASIC_REQUESTS_PER_HOUR: "1000000000",
      // All of the load comes from one.
      CONNECTIONS_PER_ADDRESS: "0",
      TRACE_EXPORTER: "otlp",
      TRACE_ENDPOINT: "http://127.0.0.1:9",
      TRACE_SAMPLE_RATIO: "0",
      FAST_PATH: process.env.FAST_PATH ?? "true",
    }),
    version: "bench",
    load: async () => {
      const implementations = [reviews(service)];
      return preparable({ config: () => ({}), start: async () => ({ implementations, dependencies: [] }) });
    },
    rest: restHandler,
    check: routeProblems,
    destination: destination({ dest: join(directory, "access.log"), sync: false, minLength: 4096 }),
  });
  return { port: running.ports.get("gateway")!, token: tokenOf(keys) };
}

function reviews(service: DescService): Implementation {
  return implement(service, { review: answer } as unknown as ServiceImpl<typeof service>);
}

/** Stands in for auth, which the gateway asks for its keys once, and now and then what it revoked and what tenants may use. */
function serveKeys({ jwk }: Pair): Promise<number> {
  const routes = (router: ConnectRouter) =>
    router
      .service(AuthService, { getJwks: () => ({ keys: [jwk] }), listRevocations: () => ({}) })
      .service(PlansService, { getTenantPlan: () => ({}) });
  return portOf(createServer(connectNodeAdapter({ routes })));
}

/** A token of somebody who may read agents, good for an hour. */
function tokenOf({ privateKey }: Pair): string {
  const seconds = Math.floor(Date.now() / 1000);
  return rs256(privateKey, goodHeader, { ...goodClaims, iat: seconds, exp: seconds + 3600 });
}
