import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type WorkloadName, workloads } from "../../../services/kit/contract/workloads.js";
import { freePorts, type SpawnedProcess, spawnPlatform } from "../../support/spawned-platform.js";

/** One replica of one service, in a process of its own. */
export interface Replica {
  readonly name: string;
  readonly workload: WorkloadName;
  readonly url: string;
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>;
  /** Ends it as an orderly stop does; resolves with its exit code, or the signal. */
  stop(): Promise<number | string>;
  /** Starts it again at the same address; resolves when it is ready. */
  start(): Promise<void>;
  /** Resident memory in MiB; 0 where the system does not tell. */
  residentMiB(): Promise<number>;
}

/** Two replicas of every service, which share their stores. */
export interface Deployment {
  readonly replicas: readonly Replica[];
  readonly gateways: readonly string[];
  stop(): Promise<void>;
}

const copies = ["a", "b"] as const;

/** Starts every service twice with what `environment` adds; resolves when all are ready. */
export async function startDeployment(environment: Readonly<Record<string, string>>): Promise<Deployment> {
  const directory = await mkdtemp(join(tmpdir(), "deployment-"));
  const names = [...workloads.keys()];
  const places = names.flatMap((workload) =>
    copies.map((copy) => ({ workload, name: `${workload}-${copy}` })),
  );
  const ports = await freePorts(places.map(({ name }) => name));
  const urlOf = (name: string) => `http://127.0.0.1:${ports[name]}`;
  const urls = names.map((workload) => [
    `${workload.toUpperCase()}_URL`,
    copies.map((copy) => urlOf(`${workload}-${copy}`)).join(","),
  ]);
  const shared = {
    DEPLOYMENT: "replicated",
    PEER_SECRET: "between the replicas of the tests",
    AUTH_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
    ENGINE_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString("base64"),
    ANALYTICS_SECRET: Buffer.alloc(32, 9).toString("base64"),
    RATE_SIGN_IN_PER_MINUTE: "1000000",
    ...Object.fromEntries(urls),
    ...environment,
  };
  const replicas = await Promise.all(
    places.map(({ workload, name }) =>
      startReplica({
        name,
        workload,
        url: urlOf(name),
        directory: join(directory, name),
        environment: { ...shared, [`${workload.toUpperCase()}_PORT`]: `${ports[name]}` },
      }),
    ),
  );
  return {
    replicas,
    gateways: replicas.filter(({ workload }) => workload === "gateway").map(({ url }) => url),
    async stop() {
      await Promise.all(replicas.map((replica) => replica.kill()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function startReplica(
  options: Pick<Replica, "name" | "workload" | "url"> & {
    readonly directory: string;
    readonly environment: Record<string, string>;
  },
): Promise<Replica> {
  const { name, workload, url, directory, environment } = options;
  let child: SpawnedProcess;
  const start = async () => {
    child = await spawnPlatform({ names: [workload], directory, environment });
    if (!child.output().includes("] ready")) throw new Error(`${name} did not start: ${child.output()}`);
  };
  await start();
  return {
    name,
    workload,
    url,
    kill: () => child.kill("SIGKILL"),
    async stop() {
      await child.kill("SIGTERM");
      return child.ended;
    },
    start,
    async residentMiB() {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
    },
  };
}
