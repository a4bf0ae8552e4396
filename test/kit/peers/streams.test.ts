import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { callOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { until } from "../../support/until.js";
import { expectRefusal, recordedMetrics } from "../chain/calls.js";
import { callerWith, peers } from "./callee.js";
import {
  type Part,
  type Watch,
  type WatchedPeer,
  watched,
  watchedElsewhere,
  watchedHere,
} from "./watched.js";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const ways = [
  ["in memory", async (watch: Watch) => ({ local: watchedHere(watch) })],
  [
    "over the wire",
    async (watch: Watch) => {
      const { address, stop } = await watchedElsewhere(watch);
      closers.push(stop);
      return { address };
    },
  ],
] as const;

async function collect(parts: AsyncIterable<Part>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of parts) texts.push(text);
  return texts;
}

describe.each(ways)("a stream %s", (_, reach) => {
  const peer = async (watch: Watch, self = Workload.GATEWAY, metrics = recordedMetrics().metrics) =>
    peers(self, { ...(await reach(watch)), metrics })(watched) as unknown as WatchedPeer;

  it("brings its messages, and tells the handler who asks", async () => {
    let seen: unknown;
    const watch: Watch = async function* ({ text }, context) {
      seen = callOf(context);
      yield { text };
      yield { text: "b" };
    };
    const { requestId } = callOf(callerWith());
    expect(await collect((await peer(watch)).watch({ text: "a" }, callerWith()))).toEqual(["a", "b"]);
    expect(seen).toMatchObject({ requestId, caller: Workload.GATEWAY });
  });

  it("stands beside calls of one message", async () => {
    const client = await peer(async function* () {});
    expect((await client.once({ text: "a" }, callerWith())).text).toBe("a");
  });

  it("fails with the callee's error, at once or behind its messages", async () => {
    const watch: Watch = async function* ({ text }) {
      if (text === "late") yield { text };
      throw errors.agentNotFound({ id: "a" });
    };
    const client = await peer(watch);
    await expectRefusal(collect(client.watch({ text: "" }, callerWith())), Code.NotFound, "AGENT_NOT_FOUND");
    const iterator = client.watch({ text: "late" }, callerWith())[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ text: "late" });
    await expectRefusal(iterator.next(), Code.NotFound, "AGENT_NOT_FOUND");
  });

  it("fails with INTERNAL for what is of no catalogue", async () => {
    // biome-ignore lint/correctness/useYield: it fails before.
    const client = await peer(async function* () {
      throw new ConnectError("secret", Code.DataLoss);
    });
    const error = await expectRefusal(
      collect(client.watch({ text: "" }, callerWith())),
      Code.Internal,
      "INTERNAL",
    );
    expect(error.message).not.toContain("secret");
  });

  it("is denied to a workload that the contract does not name", async () => {
    const client = await peer(async function* () {}, Workload.ENGINE);
    const answer = collect(client.watch({ text: "" }, callerWith()));
    await expectRefusal(answer, Code.PermissionDenied, "CALLER_NOT_ALLOWED");
  });

  it("is validated", async () => {
    const client = await peer(async function* () {});
    const answer = collect(client.watch({ text: "more than ten" }, callerWith()));
    await expectRefusal(answer, Code.InvalidArgument, "VALIDATION_FAILED");
  });

  it("ends in the handler when its reader leaves", async () => {
    let ended = false;
    const client = await peer(async function* (_, { signal }) {
      try {
        yield { text: "a" };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      } finally {
        ended = true;
      }
    });
    for await (const { text } of client.watch({ text: "" }, callerWith())) {
      expect(text).toBe("a");
      break;
    }
    await until(() => ended);
  });

  it("ends in the handler when its reader's own caller goes away", async () => {
    let ended = false;
    const outer = new AbortController();
    const client = await peer(async function* (_, { signal }) {
      yield { text: "a" };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      ended = true;
      signal.throwIfAborted();
    });
    const iterator = client.watch({ text: "" }, callerWith({}, outer.signal))[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    outer.abort();
    await expectRefusal(next, Code.Canceled, "CANCELED");
    await until(() => ended);
  });

  it("counts once, with the code of its end", async () => {
    const { metrics, matching } = recordedMetrics();
    const watch: Watch = async function* ({ text }) {
      yield { text };
      if (text === "late") throw errors.agentNotFound({ id: "a" });
    };
    const client = await peer(watch, Workload.GATEWAY, metrics);
    await collect(client.watch({ text: "a" }, callerWith()));
    await collect(client.watch({ text: "late" }, callerWith())).catch(() => undefined);
    const counted = await matching("rpc_client_requests_total");
    expect(counted.map((line) => line.replace(/code="\w+"/, ""))).toHaveLength(2);
    expect(counted.every((line) => line.endsWith(" 1") && line.includes('method="Watch"'))).toBe(true);
  });
});

describe("a stream over the wire", () => {
  it("is DEPENDENCY_UNAVAILABLE when nobody listens", async () => {
    const { address, stop } = await watchedElsewhere(async function* () {});
    await stop();
    const client = peers(Workload.GATEWAY, { address })(watched) as unknown as WatchedPeer;
    const answer = collect(client.watch({ text: "" }, callerWith()));
    await expectRefusal(answer, Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
  });
});

describe("a stream in memory", () => {
  it("of a method that is not served is METHOD_UNKNOWN", async () => {
    const client = peers(Workload.GATEWAY, { local: new Map() })(watched) as unknown as WatchedPeer;
    await expectRefusal(
      collect(client.watch({ text: "" }, callerWith())),
      Code.Unimplemented,
      "METHOD_UNKNOWN",
    );
  });
});
