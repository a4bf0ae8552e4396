import { parseArgs } from "node:util";
import { ConfigError, configSource } from "../../kit/config.js";
import type { DeadLetter } from "../../kit/events/dead-letters.js";
import { busConfig } from "../../kit/stores/bus/config.js";
import { type NatsBus, natsBus } from "../../kit/stores/bus/nats.js";

/** Where a command writes. */
export interface Output {
  write(text: string): unknown;
}

export interface DeadLettersOptions {
  /** `list` or `replay`, then the consumer; `--id` for one event, `--limit` for how many. */
  readonly args: readonly string[];
  /** Says where NATS is, as for the platform. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
  readonly problems: Output;
}

export const deadLettersUsage = `  consciousness dead-letters list CONSUMER [--limit N]             prints what was set aside, one JSON object per line
  consciousness dead-letters replay CONSUMER [--limit N] [--id ID]  delivers it again
`;

const connectMs = 10_000;
const retryMs = 100;

/**
 * Lists the dead letters of a consumer or has them delivered again. Returns the
 * exit code: 0 done, 1 NATS does not answer or is not configured, 2 wrong usage.
 */
export async function deadLetters({
  args,
  environment,
  output,
  problems,
}: DeadLettersOptions): Promise<number> {
  const wanted = read(args);
  if (!wanted) {
    problems.write(deadLettersUsage);
    return 2;
  }
  try {
    const bus = await connect(environment);
    try {
      await answers(bus);
      if (wanted.verb === "list") {
        for (const letter of await bus.deadLetters.list(wanted)) output.write(`${line(letter)}\n`);
      } else output.write(`${await bus.deadLetters.replay(wanted)} replayed\n`);
      return 0;
    } finally {
      await bus.close();
    }
  } catch (error) {
    problems.write(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

function read(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { limit: { type: "string", default: "100" }, id: { type: "string" } },
    });
    const [verb, consumer, ...rest] = positionals;
    const limit = Number(values.limit);
    const valid =
      consumer && /^[\w-]+$/.test(consumer) && rest.length === 0 && Number.isInteger(limit) && limit > 0;
    if (!valid || (verb !== "list" && verb !== "replay")) return undefined;
    return { verb, consumer, limit, id: values.id } as const;
  } catch {
    return undefined;
  }
}

async function connect(environment: DeadLettersOptions["environment"]): Promise<NatsBus> {
  const source = configSource(environment);
  const config = busConfig(source);
  source.finish();
  if (config) return natsBus(config);
  const expected =
    "URLs of NATS servers; without NATS, dead letters are in the table dead_letters of each schema";
  throw new ConfigError([{ name: "NATS_URL", value: "", expected }]);
}

async function answers(bus: NatsBus): Promise<void> {
  for (let waited = 0; ; waited += retryMs) {
    try {
      return await bus.ping();
    } catch (error) {
      if (waited >= connectMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** A letter without its payload and actor, which may be about persons. */
function line({ consumer, id, message, error, attempts, time }: DeadLetter): string {
  const { subject, headers } = message;
  const event = {
    type: headers["ce-type"],
    tenant: headers["ce-tenantid"],
    aggregate: headers["ce-subject"],
    version: headers["ce-aggregateversion"],
  };
  return JSON.stringify({
    consumer,
    id,
    subject,
    ...event,
    error,
    attempts,
    time: new Date(time).toISOString(),
  });
}
