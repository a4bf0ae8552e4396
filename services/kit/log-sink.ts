import { type DestinationStream, destination as fileDestination } from "pino";

const flushBoundMs = 2_000;
/** Characters that wait for a slow reader of the log before lines are dropped. */
const bufferBound = 16 * 1024 * 1024;
/** How long lines are gathered, in milliseconds, and how many characters of them. */
const gatherMs = 5;
const gatheredMost = 16 * 1024;

/** A file that is written asynchronously. */
type File = ReturnType<typeof fileDestination>;

/** Where the lines of a log go. */
export interface Sink {
  readonly stream: DestinationStream;
  /** Waits until every line so far is handed to the operating system, at most two seconds. */
  flush(): Promise<void>;
  /** Writes every line so far before it returns. */
  close(): void;
}

/** A stream as it was given: a file gathers lines, any other stream gets each at once. */
export function sinkOf(stream: DestinationStream | File): Sink {
  return "flushSync" in stream ? gathering(stream) : { stream, flush: async () => {}, close: () => {} };
}

/** Standard output. `onDropped` is told of each line that is dropped since its reader is too slow. */
export function standardOutput(onDropped: (() => void) | undefined): Sink {
  // With a minLength of 0, flush would return while a write is under way.
  const stream = fileDestination({ fd: 1, sync: false, minLength: 1, maxLength: bufferBound });
  if (onDropped) stream.on("drop", (lines: string) => forEachLine(lines, onDropped));
  return gathering(stream);
}

/** What was gathered and is not handed over yet. */
const pending = new Set<() => void>();

// The file writes what it has when the process ends, so that it has to have everything before.
process.on("exit", () => {
  for (const handOver of pending) handOver();
});

/** Hands lines over together: a write on another thread costs as much as making ten of them. */
function gathering(file: File): Sink {
  let lines = "";
  let waits = false;
  const handOver = () => {
    pending.delete(handOver);
    const text = lines;
    lines = "";
    if (text === "") return;
    try {
      file.write(text);
    } catch {
      // A line never throws, and whoever closed the file wants no more.
    }
  };
  const handOverLate = () => {
    waits = false;
    handOver();
  };
  const write = (line: string) => {
    if (lines === "") pending.add(handOver);
    if (!waits) setTimeout(handOverLate, gatherMs);
    waits = true;
    lines += line;
    if (lines.length >= gatheredMost) handOver();
  };
  return {
    stream: { write },
    flush() {
      handOver();
      return flushWithin(file, flushBoundMs);
    },
    close() {
      handOver();
      file.flushSync();
    },
  };
}

function forEachLine(lines: string, run: () => void): void {
  for (let at = lines.indexOf("\n"); at >= 0; at = lines.indexOf("\n", at + 1)) run();
}

function flushWithin(file: File, boundMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, boundMs);
    file.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
