import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createWorkQueue } from "../../../services/auth/domain/work-queue.js";

const never = new AbortController().signal;
const queueOf = (concurrency: number, waiting: number) =>
  createWorkQueue({ concurrency, waiting, refuse: () => new Error("full") });

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("a work queue", () => {
  it("never runs more at once than it may, and runs all that it took, in order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 6 }),
        async (concurrency, waiting) => {
          const inTurn = queueOf(concurrency, waiting);
          const { open, opened } = gate();
          const started: number[] = [];
          let running = 0;
          const work = (i: number) => async () => {
            started.push(i);
            running += 1;
            expect(running).toBeLessThanOrEqual(concurrency);
            await opened;
            running -= 1;
          };
          const all = Promise.allSettled(Array.from({ length: 12 }, (_, i) => inTurn(work(i), never)));
          open();
          const taken = Math.min(12, concurrency + waiting);
          expect((await all).filter(({ status }) => status === "fulfilled")).toHaveLength(taken);
          expect(started).toEqual(Array.from({ length: taken }, (_, i) => i));
        },
      ),
    );
  });

  it("refuses what finds it full, and takes the next when there is room", async () => {
    const inTurn = queueOf(1, 0);
    const { open, opened } = gate();
    const first = inTurn(() => opened, never);
    await expect(inTurn(async () => 1, never)).rejects.toThrow("full");
    open();
    await first;
    await expect(inTurn(async () => 2, never)).resolves.toBe(2);
  });

  it("frees the place of one that gives up waiting", async () => {
    const inTurn = queueOf(1, 1);
    const { open, opened } = gate();
    const patience = new AbortController();
    const first = inTurn(() => opened, never);
    const second = inTurn(async () => "second", patience.signal);
    patience.abort(new Error("gave up"));
    await expect(second).rejects.toThrow("gave up");
    const third = inTurn(async () => "third", never);
    open();
    await first;
    await expect(third).resolves.toBe("third");
  });

  it("goes on after work that failed", async () => {
    const inTurn = queueOf(1, 1);
    const failed = inTurn(async () => {
      throw new Error("broken");
    }, never);
    const next = inTurn(async () => "next", never);
    await expect(failed).rejects.toThrow("broken");
    await expect(next).resolves.toBe("next");
  });
});
