import { signIn } from "../../support/platform.js";
import { natsInstalled } from "../servers/nats.js";
import { postgresInstalled } from "../servers/postgres.js";
import { redisInstalled } from "../servers/redis.js";
import { type Dependencies, startDependencies } from "./dependencies.js";
import { type Deployment, startDeployment } from "./deployment.js";
import { createLedger, type Ledger } from "./ledger.js";
import { type Reader, startReader } from "./reader.js";

/** Whether everything is installed that a replicated platform needs. */
export const platformInstalled = postgresInstalled && redisInstalled && natsInstalled;

/** Two replicas of every service over real servers, with a consumer of their events. */
export interface ReplicatedPlatform {
  readonly servers: Dependencies;
  readonly deployment: Deployment;
  readonly reader: Reader;
  /** An access token, whose session stands in the ledger. */
  readonly token: string;
  /** What clients were told from the beginning. */
  readonly ledger: Ledger;
  stop(): Promise<void>;
}

/** Starts it all. */
export async function startReplicatedPlatform(): Promise<ReplicatedPlatform> {
  const servers = await startDependencies();
  const deployment = await startDeployment(servers.environment);
  const reader = await startReader(servers);
  const ledger = createLedger();
  const token = await signIn(deployment.gateways[0] ?? "");
  ledger.add({ kind: "sign-in", told: "unknown", id: undefined });
  return {
    servers,
    deployment,
    reader,
    token,
    ledger,
    async stop() {
      await Promise.allSettled([deployment.stop(), reader.stop()]);
      await servers.stop();
    },
  };
}

/** Prints a line of figures. */
export function report(line: string): void {
  process.stderr.write(`${line}\n`);
}
