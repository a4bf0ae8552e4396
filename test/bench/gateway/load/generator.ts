import type { Lane } from "./http1.js";
import { openHttp1 } from "./http1.js";
import { openHttp2 } from "./http2.js";
import { grpcHeaders, grpcMessage, http1Request, type Protocol } from "./requests.js";

/** Whom to ask, and how. */
export interface Target {
  readonly port: number;
  readonly protocol: Protocol;
  readonly token?: string | undefined;
  /** Calls in flight: on as many connections over HTTP/1.1, on one over HTTP/2. */
  readonly inFlight: number;
  /** What to ask over REST, in place of a review. */
  readonly path?: string;
  readonly body?: object;
}

/** What to do: ask in a closed loop, or at a rate. */
export interface Burst {
  readonly seconds: number;
  /** Requests a second whether or not answers come; without it, one after the other on each lane. */
  readonly rate?: number;
}

/** What came of a burst; durations in milliseconds. */
export interface Outcome {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** The process is its own load generator, so that it costs a contestant nothing. */
process.once("message", async (target: Target) => {
  const lanes = await openLanes(target);
  process.on("message", async (burst: Burst) => process.send?.(await run(lanes, burst)));
  process.send?.("open");
});
process.on("disconnect", () => process.exit(0));

/** How many connections are opened at once; a listener's backlog takes no more. */
const batch = 100;

async function openLanes(target: Target): Promise<Lane[]> {
  const { port, protocol, token, inFlight } = target;
  if (protocol === "grpc") {
    return openHttp2(port, inFlight, { headers: grpcHeaders(token), message: grpcMessage() });
  }
  const request = http1Request({ ...target, protocol });
  const lanes: Lane[] = [];
  while (lanes.length < inFlight) {
    const length = Math.min(batch, inFlight - lanes.length);
    lanes.push(...(await Promise.all(Array.from({ length }, () => openHttp1(port, request).then(asked)))));
  }
  return lanes;
}

/** A connection that has carried a request, so that all that it takes to serve it is there. */
function asked(lane: Lane): Promise<Lane> {
  return new Promise((resolve, reject) => {
    lane.ask((good) =>
      good ? resolve(lane) : reject(new Error("the first request of a connection failed")),
    );
  });
}

function run(lanes: readonly Lane[], { seconds, rate }: Burst): Promise<Outcome> {
  const times: number[] = [];
  let errors = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  const note = (since: number, good: boolean) => {
    if (good) times.push(performance.now() - since);
    else errors += 1;
  };
  const work = rate === undefined ? closedLoop(lanes, end, note) : atRate(lanes, { start, end, rate }, note);
  return work.then(() => outcome(times, errors, (performance.now() - start) / 1000));
}

type Note = (since: number, good: boolean) => void;

function closedLoop(lanes: readonly Lane[], end: number, note: Note): Promise<unknown> {
  const loop = (lane: Lane) =>
    new Promise<void>((resolve) => {
      const ask = () => {
        const since = performance.now();
        if (since >= end) return resolve();
        lane.ask((good) => {
          note(since, good);
          if (good) ask();
          else resolve();
        });
      };
      ask();
    });
  return Promise.all(lanes.map(loop));
}

/** Requests have a time at which they are due, and wait from then on, so that a slow server cannot slow the clock. */
function atRate(
  lanes: readonly Lane[],
  { start, end, rate }: { start: number; end: number; rate: number },
  note: Note,
): Promise<void> {
  const free = [...lanes];
  let due = 0;
  let open = 0;
  return new Promise((resolve) => {
    const pump = () => {
      const now = performance.now();
      const owed = Math.floor(((Math.min(now, end) - start) / 1000) * rate);
      while (due < owed && free.length > 0) {
        const lane = free.pop()!;
        const since = start + (due / rate) * 1000;
        due += 1;
        open += 1;
        lane.ask((good) => {
          open -= 1;
          note(since, good);
          if (good) free.push(lane);
        });
      }
      const over = now >= end + 5000 || free.length + open === 0;
      if (over || (now >= end && open === 0 && due >= owed)) resolve();
      else setImmediate(pump);
    };
    pump();
  });
}

function outcome(times: number[], errors: number, seconds: number): Outcome {
  const sorted = Float64Array.from(times).sort();
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return {
    requests: times.length,
    errors,
    seconds,
    p50: quantile(0.5) ?? Number.NaN,
    p95: quantile(0.95) ?? Number.NaN,
    p99: quantile(0.99) ?? Number.NaN,
  };
}
