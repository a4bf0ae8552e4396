import { randomBytes } from "node:crypto";
import { appendFile, chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { Store } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { workloadProfile, workloads } from "../../services/kit/contract/workloads.js";
import { attempt, run, start, until } from "./commands.js";
import { within } from "./network.js";
import { control, controlAddress, inLab, type LabPlace, network } from "./place.js";
import type { OutsideService } from "./services.js";

/** The user that PostgreSQL runs as; it refuses to be root. */
const databaseUser = "postgres";

/** The servers that replicas share, outside the mesh, as Services of the environment. */
export const storeServices: readonly OutsideService[] = [
  { name: "postgres", ports: [{ name: "tcp-postgres", port: 5432, appProtocol: "tcp" }] },
  { name: "nats", ports: [{ name: "tcp-nats", port: 4222, appProtocol: "tcp" }] },
  { name: "redis", ports: [{ name: "tcp-redis", port: 6379, appProtocol: "tcp" }] },
];

/** What each workload's Secret says of the stores that the contract gives it. */
export type StoreSecrets = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** Starts PostgreSQL, NATS and Redis; resolves when they answer. */
export async function startStores(place: LabPlace): Promise<StoreSecrets> {
  const password = randomBytes(16).toString("hex");
  await startPostgres(place, password);
  await startNats(place);
  await startRedis(place);
  const addresses: Partial<Record<Store, Record<string, string>>> = {
    [Store.DATABASE]: { DATABASE_URL: `postgres://postgres:${password}@postgres:5432/postgres` },
    [Store.BUS]: { NATS_URL: "nats://nats:4222" },
    [Store.CACHE]: { REDIS_URL: "redis://redis:6379" },
  };
  const secrets = [...workloads].map(([name, workload]) => {
    const { stores } = workloadProfile(workload);
    return [name, Object.assign({}, ...stores.map((store) => addresses[store]))] as const;
  });
  return new Map(secrets);
}

async function startPostgres(place: LabPlace, password: string): Promise<void> {
  const folder = inLab(place, "postgres");
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/password`, password, { mode: 0o600 });
  await run("chown", ["-R", databaseUser, folder]);
  const programs = await postgresPrograms();
  const as = within(control, databaseUser);
  const access = ["-U", "postgres", "-A", "scram-sha-256", "--pwfile", `${folder}/password`];
  await run("ip", [...as, `${programs}/initdb`, "-D", `${folder}/data`, ...access, "--no-sync"], { folder });
  await appendFile(`${folder}/data/pg_hba.conf`, `host all all ${network} scram-sha-256\n`);
  const settings = [
    `listen_addresses=${controlAddress}`,
    "unix_socket_directories=",
    "fsync=off",
    // Of shared memory by name something stays when the lab is ended by force.
    "dynamic_shared_memory_type=mmap",
  ];
  const args = ["-D", `${folder}/data`, ...settings.flatMap((setting) => ["-c", setting])];
  start("ip", [...as, `${programs}/postgres`, ...args], { folder, log: await logOf(place, "postgres") });
  await until("PostgreSQL answers", () => succeeds(`${programs}/pg_isready`, ["-h", controlAddress]));
}

/** The newest of Debian's versions. */
export async function postgresPrograms(): Promise<string> {
  const root = "/usr/lib/postgresql";
  const versions = (await readdir(root).catch(() => [])).map(Number).sort((a, b) => b - a);
  if (versions[0] === undefined) throw new Error(`there is no PostgreSQL in ${root}`);
  return `${root}/${versions[0]}/bin`;
}

async function startNats(place: LabPlace): Promise<void> {
  const args = ["-a", controlAddress, "-p", "4222", "-js", "-sd", inLab(place, "nats")];
  start("ip", [...within(control), "nats-server", ...args], { log: await logOf(place, "nats") });
  await until("NATS answers", () => listens(4222));
}

async function startRedis(place: LabPlace): Promise<void> {
  const args = ["--bind", controlAddress, "--port", "6379", "--save", "", "--protected-mode", "no"];
  start("ip", [...within(control), "redis-server", ...args], { log: await logOf(place, "redis") });
  await until("Redis answers", () => listens(6379));
}

async function logOf(place: LabPlace, name: string): Promise<string> {
  const file = inLab(place, `${name}.log`);
  await writeFile(file, "");
  await chmod(file, 0o644);
  return file;
}

function listens(port: number): Promise<boolean> {
  return succeeds("bash", ["-c", `exec 3<>/dev/tcp/${controlAddress}/${port}`]);
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return (await attempt("ip", [...within(control), command, ...args])).code === 0;
}
