import { createHash } from "node:crypto";
import { type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { Clock } from "../../kit/clock.js";
import { backgroundCaller, type Caller } from "../../kit/context.js";
import type { MethodContract } from "../../kit/contract/method.js";
import { workloadName } from "../../kit/contract/workloads.js";
import { type Consumer, startConsumer } from "../../kit/events/consumer.js";
import type { Log } from "../../kit/log.js";
import type { Metrics } from "../../kit/metrics.js";
import type { Bus } from "../../kit/stores/bus/port.js";
import { type CacheCodec, cached } from "../../kit/stores/cache/cached.js";
import type { Cache, CacheGroup } from "../../kit/stores/cache/port.js";

/** What keeping answers is made of. */
export interface KeptAnswersOptions {
  readonly cache: Cache;
  readonly bus: Bus;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** Calls a method of a peer. */
export type CallPeer = (request: Message, caller: Caller) => Promise<Message>;

interface Answer {
  readonly message: Message;
  /** Milliseconds of the epoch. */
  readonly time: number;
}

/** Whether the gateway keeps answers of a method: of public ones alone, which say the same to everybody. */
export function isKept({ access, cache }: MethodContract): boolean {
  return access.kind === "public" && cache !== undefined;
}

/**
 * A handler that answers from what was answered before, to whoever asked the
 * same, and says its age. The answer is fetched for all who wait for it, so
 * nobody's leaving ends it.
 */
export function keepAnswers(contract: MethodContract, call: CallPeer, options: KeptAnswersOptions) {
  const { method, deadlineMs = 0, cache: policy } = contract;
  const { clock } = options;
  const read = cached<Message, Answer>({
    ...options,
    name: "answers",
    keyOf: (request) => ({ ...groupOf(contract), name: digest(method, request) }),
    load: async (request) => {
      const message = await call(request, backgroundCaller(clock, deadlineMs));
      return { message, time: clock.now() };
    },
    codec: answerCodec(method),
    ttlMs: policy?.maxAgeMs ?? 0,
  });
  return async (request: Message, { responseHeader }: HandlerContext): Promise<Message> => {
    const { message, time } = await read(request);
    const age = Math.max(0, Math.floor((clock.now() - time) / 1000));
    if (age > 0) responseHeader.set("age", String(age));
    return message;
  };
}

/** Starts what ends kept answers: events of the aggregates that the methods' policies name. */
export async function clearByEvents(
  contracts: readonly MethodContract[],
  options: KeptAnswersOptions,
): Promise<readonly Consumer[]> {
  const kept = contracts.filter((contract) => isKept(contract) && contract.cache?.clearedBy.length);
  const sources = new Set(
    kept.flatMap(({ workload }) => (workload === undefined ? [] : [workloadName(workload)])),
  );
  return Promise.all(
    [...sources].map((source) =>
      startConsumer({
        ...options,
        name: `gateway-answers-${source}`,
        subject: `events.${source}.>`,
        async apply({ aggregateType }) {
          const ended = kept.filter(({ cache }) => cache?.clearedBy.includes(aggregateType));
          await Promise.all(ended.map((contract) => options.cache.invalidate(groupOf(contract))));
          return "applied";
        },
        // An answer that is not ended here ends by its age.
        deadLetters: { add: async () => undefined },
      }),
    ),
  );
}

/** What public methods answer is no tenant's. */
function groupOf({ name }: MethodContract): CacheGroup {
  return { tenant: "", group: `answers/${name}` };
}

function digest({ input }: DescMethod, request: Message): string {
  return createHash("sha256").update(toBinary(input, request)).digest("base64url");
}

const timeBytes = 8;

function answerCodec({ output }: DescMethod): CacheCodec<Answer> {
  return {
    encode({ message, time }) {
      const bytes = Buffer.alloc(timeBytes);
      bytes.writeDoubleBE(time);
      return Buffer.concat([bytes, toBinary(output, message)]);
    },
    decode(bytes) {
      const time = Buffer.from(bytes.subarray(0, timeBytes)).readDoubleBE();
      return { time, message: fromBinary(output, bytes.subarray(timeBytes)) };
    },
  };
}
