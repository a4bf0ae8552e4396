import type { Clock } from "../../clock.js";
import type { Log } from "../../log.js";
import { forgetting } from "./forget.js";
import { type Job, type RunningJobs, startJobs } from "./job.js";
import { dropExpired, makePartitions, type Retention } from "./partitions.js";
import type { Database } from "./port.js";
import { lockSchema } from "./schema-lock.js";

const dayMs = 24 * 60 * 60 * 1000;
const checkMs = 15 * 60 * 1000;

export interface MaintenanceOptions {
  readonly database: Database;
  /** Schemas that have been migrated. */
  readonly schemas: readonly string[];
  readonly retention: Retention;
  /** How long the bus keeps an event, in milliseconds. */
  readonly eventMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Makes the partitions of the months to come and drops those whose time is over,
 * once a day for each schema, and forgets keys and handled events in between.
 */
export function startMaintenance({ schemas, retention, eventMs, ...rest }: MaintenanceOptions): RunningJobs {
  const { clock, log } = rest;
  const jobs = schemas.flatMap((schema): Job[] => [
    forgetting({ schema, eventMs, clock }),
    {
      schema,
      name: "partitions",
      everyMs: dayMs,
      async work(client) {
        await lockSchema(client, schema);
        const made = await makePartitions(client, schema, clock.now());
        const dropped = await dropExpired(client, { schema, retention, now: clock.now() });
        for (const name of made) log.info(`made the partition ${name} of ${schema}`);
        for (const name of dropped) log.info(`dropped the partition ${name} of ${schema}`);
      },
    },
  ]);
  return startJobs({ ...rest, jobs, checkMs });
}
