import { until } from "../servers/process-tree.js";
import { createClients } from "./clients.js";
import type { ReplicatedPlatform } from "./platform.js";
import { eventful } from "./reader.js";
import { writeSteps } from "./writers.js";

/** Milliseconds from now until each gateway has an agent made, a question answered and somebody signed in. */
export async function untilServing({ deployment, token, ledger }: ReplicatedPlatform): Promise<number> {
  const start = performance.now();
  await Promise.all(
    deployment.gateways.flatMap((gateway) => {
      const { send } = createClients([gateway], token);
      const { create, decide, signIn } = writeSteps({ send, ledger });
      const made = async () => (await create()) !== undefined;
      return [made, () => decide(), signIn].map((succeeds) => until(succeeds));
    }),
  );
  return performance.now() - start;
}

/** Milliseconds from now until all events have left that wait now. */
export async function untilRelayed(platform: ReplicatedPlatform): Promise<number> {
  const start = performance.now();
  const now = new Date();
  await until(async () => (await waitingEvents(platform, now)) === 0, { ms: 60_000 });
  return performance.now() - start;
}

/** Events that were recorded by a time and have not left their outboxes. */
export async function waitingEvents({ servers }: ReplicatedPlatform, by: Date): Promise<number> {
  const counts = eventful.map(
    (service) =>
      `(select count(*) from ${service}.outbox where published_at is null and time <= '${by.toISOString()}')`,
  );
  const [row] = await servers.postgres.run<{ count: string }>(
    `select ${counts.join(" + ")} as count`,
    servers.database,
  );
  return Number(row?.count);
}

/** What each replica that records events names as missing in its readiness, while it serves all the same. */
export async function degradations({ deployment }: ReplicatedPlatform): Promise<readonly string[]> {
  const recording = deployment.replicas.filter(({ workload }) => eventful.some((name) => name === workload));
  return Promise.all(
    recording.map(async ({ url }) => {
      const response = await fetch(`${url}/readyz`);
      const { degraded } = (await response.json()) as { degraded?: string[] };
      return `${response.status} ${degraded?.join(", ") ?? ""}`;
    }),
  );
}
