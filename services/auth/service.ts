import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import type { Clock } from "../kit/clock.js";
import { implement, type WorkloadDefinition } from "../kit/workload.js";
import { auditServices } from "./audit.js";
import { type AuthConfig, readConfig } from "./config.js";
import { ensureFirstAccount } from "./domain/first-account.js";
import { keyEncryptionKey } from "./domain/key-encryption-key.js";
import { keyedHash } from "./domain/keyed-hash.js";
import { createPasswords } from "./domain/passwords.js";
import { signInKeys } from "./domain/sign-in-keys.js";
import { makeSigningKey, openSigningKey, type SigningKey, toJwk } from "./domain/signing-keys.js";
import { subjectTokens } from "./domain/subject-tokens.js";
import { createTokenIssuer } from "./domain/token-issuer.js";
import { machineServices } from "./machines.js";
import type { AuthParts } from "./parts.js";
import { exchangeToken } from "./rpc/exchange-token.js";
import { getJwks } from "./rpc/get-jwks.js";
import { getProfile } from "./rpc/get-profile.js";
import { listRevocations } from "./rpc/list-revocations.js";
import { login } from "./rpc/login.js";
import { logout } from "./rpc/logout.js";
import { refresh } from "./rpc/refresh.js";
import type { SigningKeyStore } from "./store/signing-keys.js";
import { openAuthStore } from "./store.js";

/** Accounts, sessions and tokens. */
export const definition: WorkloadDefinition<AuthConfig> = {
  config: readConfig,

  async start(config, platform) {
    const { clock, dataDirectory } = platform;
    const database = await platform.database();
    const store = await openAuthStore({ database, clock });
    const sealingKey = await keyEncryptionKey(config.keyEncryptionKey, dataDirectory);
    const key = await currentSigningKey(store.signingKeys, sealingKey, clock);
    const passwords = await createPasswords(config.passwords);
    const { adminPassword: password, production, terminal, lifetimes } = config;
    const { accounts } = store;
    const first = { accounts, passwords, clock, password, production, terminal, dataDirectory };
    const announcements = await ensureFirstAccount(first);

    const issuer = createTokenIssuer({
      key,
      issuer: config.tokenIssuer,
      clock,
      accessLifetime: lifetimes.access,
    });
    const keys = async () => (await store.signingKeys.published()).map(toJwk);
    const verifySubject = subjectTokens({ keys, issuer: config.tokenIssuer, clock });
    const { apiKeys } = config;
    const attempts = signInKeys(keyedHash(sealingKey, "failed sign-ins"), config.accounts.failures);
    const parts = {
      store,
      passwords,
      signInKeys: attempts,
      issuer,
      verifySubject,
      lifetimes,
      apiKeys,
      clock,
    };
    return {
      implementations: [
        implementAuth(parts),
        ...machineServices(parts),
        ...auditServices({ store, keyEncryptionKey: sealingKey }),
      ],
      dependencies: [{ name: "database", check: (signal) => database.ping(signal) }],
      announcements,
    };
  },
};

function implementAuth(parts: AuthParts) {
  return implement(AuthService, {
    login: login(parts),
    refresh: refresh(parts),
    logout: logout(parts),
    getProfile: getProfile(parts),
    getJwks: getJwks(parts),
    exchangeToken: exchangeToken(parts),
    listRevocations: listRevocations(parts),
  });
}

async function currentSigningKey(
  store: SigningKeyStore,
  sealingKey: Uint8Array,
  clock: Clock,
): Promise<SigningKey> {
  const newest = await store.newest();
  if (newest) return openSigningKey(newest, sealingKey);
  const made = await makeSigningKey(sealingKey, new Date(clock.now()));
  await store.add(made);
  return openSigningKey(made, sealingKey);
}
