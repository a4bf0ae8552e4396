import type { Clock } from "../../kit/clock.js";
import { errors } from "../../kit/errors.js";
import type { SigningKeyStore } from "../store/signing-keys.js";
import { planRotation, type RotationSettings, signingKeyAt } from "./key-rotation.js";
import { makeSigningKey, openSigningKey, type SigningKey, type StoredKey } from "./signing-keys.js";

/** The signing keys of a replica. */
export interface SigningRing {
  /** The key that signs now. */
  current(): SigningKey;
  /**
   * Makes, retires and withdraws keys as it is time for, once for all replicas,
   * and takes over what others made. Throws `ConfigError` when a key was sealed
   * under another key-encryption key.
   */
  tend(): Promise<void>;
}

interface Options {
  readonly store: SigningKeyStore;
  readonly keyEncryptionKey: Uint8Array;
  readonly settings: RotationSettings;
  readonly clock: Clock;
}

/** An empty ring: tend it before it signs, and from then on oftener than keys are published ahead. */
export function createSigningRing({ store, keyEncryptionKey, settings, clock }: Options): SigningRing {
  let keys: readonly StoredKey[] = [];
  let opened: ReadonlyMap<string, SigningKey> = new Map();
  const plan = (stored: readonly StoredKey[]) => planRotation(stored, clock.now(), settings);

  /** Making a key takes longer than a transaction should. */
  const rotate = async (stored: readonly StoredKey[]): Promise<StoredKey[]> => {
    const { signTime } = plan(stored);
    const { algorithm } = settings;
    const createTime = new Date(clock.now());
    const made = signTime && (await makeSigningKey({ algorithm, keyEncryptionKey, createTime, signTime }));
    return store.rotate(plan, made);
  };

  return {
    current() {
      const key = signingKeyAt(keys, clock.now());
      const open = key && opened.get(key.kid);
      if (!open) throw errors.internal(new Error("no key can sign"));
      return open;
    },
    async tend() {
      const stored = await store.list();
      const { signTime, dropPrivate, withdraw } = plan(stored);
      const isDue = signTime !== undefined || dropPrivate.length + withdraw.length > 0;
      const next = isDue ? await rotate(stored) : stored;
      const able = next.filter(({ canSign }) => canSign);
      opened = new Map(
        able.map((key) => [key.kid, opened.get(key.kid) ?? openSigningKey(key, keyEncryptionKey)]),
      );
      keys = next;
    },
  };
}
