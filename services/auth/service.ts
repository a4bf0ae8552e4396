import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { keyEncryptionKey } from "../kit/sealing/key-encryption-key.js";
import { keepTending } from "../kit/tending.js";
import { implement, type WorkloadDefinition } from "../kit/workload.js";
import { accountServices } from "./accounts.js";
import { auditServices } from "./audit.js";
import { type AuthConfig, keyEncryptionKeySetting, readConfig } from "./config.js";
import { discoveryServices } from "./discovery.js";
import { accountSecrets } from "./domain/account-secrets.js";
import { ensureFirstAccount } from "./domain/first-account.js";
import { createPasswords } from "./domain/passwords.js";
import { successors } from "./domain/refresh-token.js";
import { toJwk } from "./domain/signing-keys.js";
import { createSigningRing } from "./domain/signing-ring.js";
import { subjectTokens } from "./domain/subject-tokens.js";
import { createTokenIssuer } from "./domain/token-issuer.js";
import { machineServices } from "./machines.js";
import { createPost } from "./mail/post.js";
import { createSender } from "./mail/send.js";
import type { AuthParts } from "./parts.js";
import { planServices } from "./plans.js";
import { exchangeToken } from "./rpc/exchange-token.js";
import { getJwks } from "./rpc/get-jwks.js";
import { getProfile } from "./rpc/get-profile.js";
import { listRevocations } from "./rpc/list-revocations.js";
import { login } from "./rpc/login.js";
import { logout } from "./rpc/logout.js";
import { refresh } from "./rpc/refresh.js";
import { sessionServices } from "./sessions.js";
import { openAuthStore } from "./store.js";
import { tenantServices } from "./tenants.js";

/** Accounts, sessions and tokens. */
export const definition: WorkloadDefinition<AuthConfig> = {
  config: readConfig,

  async start(config, platform) {
    const { clock, dataDirectory } = platform;
    const database = await platform.database();
    const store = await openAuthStore({ database, clock });
    const sealingKey = await keyEncryptionKey({
      setting: keyEncryptionKeySetting,
      configured: config.keyEncryptionKey,
      directory: dataDirectory,
      file: "key-encryption-key",
    });
    const ring = createSigningRing({
      store: store.signingKeys,
      keyEncryptionKey: sealingKey,
      settings: config.signing,
      clock,
    });
    await ring.tend();
    const passwords = await createPasswords(config.passwords);
    const { adminPassword: password, production, terminal, lifetimes } = config;
    const { accounts } = store;
    const first = { accounts, passwords, clock, password, production, terminal, dataDirectory };
    const announcements = await ensureFirstAccount(first);

    const issuer = createTokenIssuer({
      key: ring.current,
      issuer: config.tokenIssuer,
      clock,
      accessLifetime: lifetimes.access,
    });
    const keys = async () => (await store.signingKeys.list()).map(toJwk);
    const verifySubject = subjectTokens({ keys, issuer: config.tokenIssuer, clock });
    const { apiKeys } = config;
    const { mail, openRegistration, failures } = config.accounts;
    const post = createPost({
      send: mail && createSender(mail),
      onFailure: (cause) => platform.log.warn("message not sent", { cause }),
    });
    const parts = {
      store,
      passwords,
      secrets: accountSecrets(sealingKey, failures),
      post,
      mailLink: mail?.link,
      openRegistration,
      issuer,
      successor: successors(sealingKey),
      verifySubject,
      lifetimes,
      apiKeys,
      clock,
    };
    const tending = keepTending(
      { "tending the signing keys": ring.tend, "dropping revocations": store.revocations.dropExpired },
      () => platform.log,
    );
    return {
      implementations: [
        implementAuth(parts),
        ...accountServices(parts),
        ...machineServices(parts),
        ...tenantServices(parts),
        ...planServices({ store }),
        ...sessionServices(parts),
        ...discoveryServices(config),
        ...auditServices({ store, keyEncryptionKey: sealingKey }),
      ],
      dependencies: [{ name: "database", check: (signal) => database.ping(signal) }],
      announcements,
      async stop() {
        await Promise.all([tending.stop(), post.stop()]);
      },
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
