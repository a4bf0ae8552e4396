import { DiscardPolicy, type JetStreamManager, NatsError, nanos, RetentionPolicy, StorageType } from "nats";

/** How streams are kept. */
export interface StreamOptions {
  /** Servers that hold each message, 1 to 5. */
  readonly replicas: number;
  /** How long messages are kept, delivered or not, in milliseconds. */
  readonly retentionMs: number;
}

const duplicateWindowMs = 120_000;
const streamNotFound = 10_059;

/**
 * Makes the stream when it is absent, and never changes one that exists. A full
 * stream refuses messages and forgets none; what is too old goes.
 */
export async function ensureStream(
  manager: JetStreamManager,
  name: string,
  { replicas, retentionMs }: StreamOptions,
): Promise<void> {
  if (await exists(manager, name)) return;
  await manager.streams.add({
    name,
    subjects: [`${name.replace("-", ".")}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: nanos(retentionMs),
    duplicate_window: nanos(duplicateWindowMs),
    num_replicas: replicas,
  });
}

async function exists(manager: JetStreamManager, name: string): Promise<boolean> {
  try {
    await manager.streams.info(name);
    return true;
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === streamNotFound) return false;
    throw error;
  }
}
