import type { Profiler } from "node:inspector";
import type { Row } from "../rows.js";
import { type Contestant, startUpstream } from "./contestants.js";
import { openLoad } from "./launch.js";
import { warmUp } from "./rounds.js";

const profiledMs = 4000;

/** Where a frame belongs, by the file it comes from; the first that matches. */
const areas: readonly (readonly [area: string, pattern: RegExp])[] = [
  ["abort signals, deadlines, event targets", /^node:internal\/(abort_controller|event_target)/],
  ["timers", /^node:(internal\/)?(timers|priority_queue|linkedlist)/],
  ["headers of fetch", /undici/],
  ["node:http2", /^node:(internal\/)?http2/],
  ["node:http", /^node:(_http|internal\/http)/],
  [
    "node:net and streams",
    /^node:(net|internal\/(net|stream|js_stream|streams))|^node:(_stream|stream|events)/,
  ],
  ["promises and asynchronous context", /^node:(internal\/)?(async_hooks|process\/task_queues|async_local)/],
  ["other modules of Node", /^node:/],
  ["protovalidate", /@bufbuild\/protovalidate/],
  ["protobuf-es", /@bufbuild\/protobuf/],
  ["Connect", /@connectrpc\//],
  [
    "logging",
    /\/(pino|sonic-boom|thread-stream|quick-format)|kit\/(log|log-fields|mask-secrets|error-chain)/,
  ],
  ["metrics", /prom-client|kit\/metrics/],
  ["tracing", /@opentelemetry|kit\/(telemetry|spans|span-export|sampling|(server|client|rpc)-span)/],
  ["chain", /kit\/(chain|context|tokens|stores|ids)/],
  ["compiled codecs", /kit\/codec/],
  ["listener and endpoint", /kit\/serve/],
  ["HTTP/2 framing of our own", /kit\/peers\/framing/],
  ["peers", /kit\/peers/],
  ["transcoding", /services\/gateway/],
];

const withoutFile: Readonly<Record<string, string>> = {
  "(garbage collector)": "garbage collection",
  "(program)": "native code and system calls",
};

/**
 * Shares of a contestant's CPU time under full load: where self time is spent, by area and by function, idle
 * time left out.
 */
export async function profileRows(contestant: Contestant): Promise<Row[]> {
  const upstream = contestant.upstream ? await startUpstream() : undefined;
  const running = await contestant.start(upstream?.port ?? 0);
  const { port, token } = running;
  const load = await openLoad({ port, token, protocol: contestant.protocol, inFlight: 32 });
  try {
    await warmUp(load);
    const [profile] = await Promise.all([
      running.profile?.(profiledMs),
      load.run({ seconds: profiledMs / 1000 + 1 }),
    ]);
    return profile ? rowsOf(contestant.name, profile) : [];
  } finally {
    await load.stop();
    await running.stop();
    await upstream?.stop();
  }
}

/** How many functions are told of, those with the most self time first. */
const mostFunctions = 10;

function rowsOf(name: string, { nodes, samples = [] }: Profiler.Profile): Row[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const areas = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  for (const id of samples) {
    const frame = frames.get(id);
    const area = frame && areaOf(frame);
    if (!frame || area === undefined) continue;
    busy += 1;
    areas.set(area, (areas.get(area) ?? 0) + 1);
    const title = titleOf(frame);
    if (title !== undefined) functions.set(title, (functions.get(title) ?? 0) + 1);
  }
  const row = (what: string, count: number): Row => ({
    measure: `CPU profile of ${name}${what}`,
    value: Math.round((count / busy) * 1000) / 10,
    unit: "%",
  });
  return [
    ...mostFirst(areas).map(([area, count]) => row(`: ${area}`, count)),
    ...mostFirst(functions)
      .slice(0, mostFunctions)
      .map(([title, count]) => row(`, function ${title}`, count)),
  ];
}

function mostFirst(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** A function with the file it stands in; undefined for what is none. */
function titleOf({
  functionName,
  scriptId,
  url,
  lineNumber,
}: Profiler.ProfileNode["callFrame"]): string | undefined {
  if (functionName in withoutFile) return undefined;
  const called = functionName || "without a name";
  if (url === "") return scriptId === "0" ? called : `${called} (compiled codecs)`;
  return `${called} (${url.split("/").slice(-2).join("/")}:${lineNumber + 1})`;
}

/** Undefined for time in which nothing was done. */
function areaOf({ functionName, scriptId, url }: Profiler.ProfileNode["callFrame"]): string | undefined {
  if (functionName === "(idle)") return undefined;
  // Code compiled from text has a script, but no file.
  if (url === "")
    return withoutFile[functionName] ?? (scriptId === "0" ? "builtins of V8 and Node" : "compiled codecs");
  return areas.find(([, pattern]) => pattern.test(url))?.[0] ?? "the rest";
}
