const silenceMs = 60_000;

/**
 * Writes each step with the time since the beginning, and a sign of life while
 * one takes long: a build of many minutes is otherwise taken for one that hangs.
 */
export function timedProgress(): { step: (what: string) => void; end: () => void } {
  const begin = Date.now();
  let current = "starting";
  const write = (what: string) => {
    process.stderr.write(`${((Date.now() - begin) / 1000).toFixed(1).padStart(7)} s  ${what}\n`);
  };
  const timer = setInterval(() => write(`still at: ${current}`), silenceMs);
  return {
    step: (what) => {
      current = what;
      timer.refresh();
      write(what);
    },
    end: () => clearInterval(timer),
  };
}
