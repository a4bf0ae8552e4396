import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import type { Output } from "./dead-letters.js";
import { replayTraffic } from "./replay-traffic.js";

/** What the command needs. */
export interface ReplayOptions {
  readonly args: readonly string[];
  /** `CONSCIOUSNESS_URL`, and `CONSCIOUSNESS_TOKEN` or `CONSCIOUSNESS_API_KEY`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly output: Output;
  readonly problems: Output;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export const replayUsage = `  consciousness replay --since TIME [--policy FILE]  judges past decisions again, and prints those that change
                                   TIME is RFC 3339, or an age such as 30m, 24h or 7d; FILE is tried as the tenant's
                                   policy. CONSCIOUSNESS_URL (http://127.0.0.1:8000), CONSCIOUSNESS_TOKEN or
                                   CONSCIOUSNESS_API_KEY say where and as whom. Exit code 3: some would change.
`;

const defaultUrl = "http://127.0.0.1:8000";
const deadlineMs = 30_000;
const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Judges the decisions since a time again. Returns the exit code: 0 none would
 * change, 1 the platform or the file failed, 2 wrong usage, 3 some would change.
 */
export async function replay({ args, environment, output, problems, now }: ReplayOptions): Promise<number> {
  const wanted = read(args, now);
  if (!wanted) {
    problems.write(replayUsage);
    return 2;
  }
  try {
    const document = wanted.policy === undefined ? undefined : await readFile(wanted.policy, "utf8");
    const { changed } = await replayTraffic({
      engine: engineAt(environment),
      since: timestampFromDate(wanted.since),
      document,
      tell: (line) => output.write(`${JSON.stringify(line)}\n`),
    });
    return changed === 0 ? 0 : 3;
  } catch (error) {
    problems.write(`${error instanceof ConnectError ? error.rawMessage : String(error)}\n`);
    return 1;
  }
}

function read(args: readonly string[], now: number) {
  try {
    const options = { since: { type: "string" }, policy: { type: "string" } } as const;
    const { values } = parseArgs({ args: [...args], options });
    const since = timeOf(values.since ?? "", now);
    return since && { since, policy: values.policy };
  } catch {
    return undefined;
  }
}

/** A time, or an age before `now`. */
function timeOf(text: string, now: number): Date | undefined {
  const [, count, unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const at = count === undefined ? Date.parse(text) : now - Number(count) * (units[unit] ?? 0);
  return Number.isNaN(at) ? undefined : new Date(at);
}

function engineAt(environment: ReplayOptions["environment"]): Client<typeof EngineService> {
  const { CONSCIOUSNESS_URL, CONSCIOUSNESS_TOKEN, CONSCIOUSNESS_API_KEY } = environment;
  const identify: Interceptor = (next) => (request) => {
    if (CONSCIOUSNESS_TOKEN) request.header.set("authorization", `Bearer ${CONSCIOUSNESS_TOKEN}`);
    else if (CONSCIOUSNESS_API_KEY) request.header.set("x-api-key", CONSCIOUSNESS_API_KEY);
    return next(request);
  };
  const transport = createConnectTransport({
    baseUrl: CONSCIOUSNESS_URL ?? defaultUrl,
    httpVersion: "1.1",
    defaultTimeoutMs: deadlineMs,
    interceptors: [identify],
  });
  return createClient(EngineService, transport);
}
