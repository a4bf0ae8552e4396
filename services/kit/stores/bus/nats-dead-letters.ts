import type { JsMsg, NatsConnection } from "nats";
import {
  type DeadLetter,
  type DeadLetterQuery,
  type DeadLetters,
  replayed,
} from "../../events/dead-letters.js";
import { headersOf } from "./nats-subscription.js";
import type { Bus, BusMessage } from "./port.js";

const stream = "dead";
const fetchMs = 5_000;
const about = { subject: "dead-subject", id: "dead-id", message: "dead-message", error: "dead-error" };
const counted = { attempts: "dead-attempts", time: "dead-time" };

export interface NatsDeadLettersOptions {
  /** The connection while it stands; throws otherwise. */
  current(): NatsConnection;
  /** Makes the stream when it is absent. */
  ensure(stream: string): Promise<void>;
  readonly publish: Bus["publish"];
}

/** Dead letters in a stream of their own, under `dead.<consumer>`, with the message's headers and body. */
export function natsDeadLetters({ current, ensure, publish }: NatsDeadLettersOptions): DeadLetters {
  const select = async (query: DeadLetterQuery) => {
    await ensure(stream);
    const found: { readonly sequence: number; readonly letter: DeadLetter }[] = [];
    for await (const message of stored(current(), query.consumer)) {
      const letter = toLetter(message, query.consumer);
      if (query.id !== undefined && letter.id !== query.id) continue;
      found.push({ sequence: message.seq, letter });
      if (found.length === query.limit) break;
    }
    return found;
  };
  const publishOne = async (message: BusMessage) => {
    const published = await publish([message]);
    if (!published.complete) throw published.error;
  };
  return {
    add: (letter) => publishOne(toMessage(letter)),
    list: async (query) => (await select(query)).map(({ letter }) => letter),
    async replay(query) {
      const found = await select(query);
      const manager = await current().jetstreamManager({ checkAPI: false });
      for (const { sequence, letter } of found) {
        await publishOne(replayed(letter));
        await manager.streams.deleteMessage(stream, sequence, false);
      }
      return found.length;
    },
  };
}

/** What is in the stream now for a consumer, in order. */
async function* stored(connection: NatsConnection, consumer: string): AsyncGenerator<JsMsg> {
  const reader = await connection.jetstream().consumers.get(stream, { filterSubjects: `dead.${consumer}` });
  const { num_pending } = await reader.info();
  if (num_pending === 0) return;
  yield* await reader.fetch({ max_messages: num_pending, expires: fetchMs });
}

function toMessage({ consumer, id, message, error, attempts, time }: DeadLetter): BusMessage {
  return {
    id: `${message.id}.${consumer}`,
    subject: `dead.${consumer}`,
    headers: {
      ...message.headers,
      [about.subject]: message.subject,
      [about.id]: id,
      [about.message]: message.id,
      [about.error]: error,
      [counted.attempts]: String(attempts),
      [counted.time]: String(time),
    },
    body: message.body,
  };
}

function toLetter(stored: JsMsg, consumer: string): DeadLetter {
  const headers = headersOf(stored.headers);
  const take = (name: string) => {
    const value = headers[name] ?? "";
    delete headers[name];
    return value;
  };
  const [subject, id, messageId, error] = Object.values(about).map(take);
  const [attempts, time] = Object.values(counted).map((name) => Number(take(name)));
  return {
    consumer,
    id: id ?? "",
    message: { id: messageId ?? "", subject: subject ?? "", headers, body: stored.data },
    error: error ?? "",
    attempts: attempts ?? 0,
    time: time ?? 0,
  };
}
