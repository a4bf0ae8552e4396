import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authority, createAuthority } from "../support/authority.js";
import { adminPassword, startPlatform, type TestPlatform } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { freePorts } from "../support/spawned-platform.js";

let directory: string;
let authority: Authority;
let auth: TestPlatform;
let authUrl: string;
const file = (name: string) => join(directory, name);

/** Settings with which a process shows the certificate of a service account to its peers. */
async function certified(account: string): Promise<Record<string, string>> {
  const { key, cert } = await authority.issue(account);
  writeFileSync(file(`${account}.key`), key);
  writeFileSync(file(`${account}.cert`), cert);
  return {
    PEER_TLS_KEY_FILE: file(`${account}.key`),
    PEER_TLS_CERT_FILE: file(`${account}.cert`),
    PEER_TLS_CA_FILE: file("ca.cert"),
  };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "mutual-tls-"));
  authority = await createAuthority();
  writeFileSync(file("ca.cert"), authority.cert);
  const [own, ports] = [await certified("auth"), await freePorts(["auth"])];
  authUrl = `https://localhost:${ports.auth}`;
  auth = await startPlatform({
    names: ["auth"],
    environment: {
      ...own,
      AUTH_PORT: `${ports.auth}`,
      TLS_KEY_FILE: file("auth.key"),
      TLS_CERT_FILE: file("auth.cert"),
      TLS_CLIENT_CA_FILE: file("ca.cert"),
    },
  });
});
afterAll(async () => {
  await auth?.stop();
  rmSync(directory, { recursive: true });
});

async function signInThrough(account: string) {
  const environment = { ...(await certified(account)), AUTH_URL: authUrl };
  const gateway = await startPlatform({ names: ["gateway"], environment });
  try {
    const body = { username: "admin", password: adminPassword };
    return await restClient(gateway.url)("POST", "/api/v1/auth/login", body);
  } finally {
    await gateway.stop();
  }
}

describe("workloads that run apart and share no secret", () => {
  it("know each other by their certificates", async () => {
    expect((await signInThrough("gateway")).status).toBe(200);
  });

  it("let no workload call what is not meant for it", async () => {
    const answer = await signInThrough("engine");
    expect(answer.body).toMatchObject({ status: 403, reason: "CALLER_NOT_ALLOWED" });
  });

  it("let nobody in whose certificate names no workload", async () => {
    const answer = await signInThrough("somebody");
    expect(answer.body).toMatchObject({ status: 403, reason: "CALLER_NOT_ALLOWED" });
  });
});
