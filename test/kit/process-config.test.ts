import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { ConfigError, configSource } from "../../services/kit/config.js";
import { type WorkloadName, workloads } from "../../services/kit/contract/workloads.js";
import { processConfig } from "../../services/kit/process/config.js";
import { selfSigned } from "../support/certificate.js";

const all = [...workloads.keys()];
const secret = "s".repeat(32);

function read(environment: Record<string, string> = {}, running: readonly WorkloadName[] = all) {
  const source = configSource(environment);
  const config = processConfig(source, running);
  source.finish();
  return config;
}

function problems(environment: Record<string, string>, running: readonly WorkloadName[] = all) {
  try {
    read(environment, running);
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [error];
  }
}

describe("configuration of a process", () => {
  it("needs nothing when everything runs together", () => {
    expect(read()).toMatchObject({
      host: "127.0.0.1",
      environment: "development",
      logLevel: "info",
      dataDirectory: ".data",
      mesh: false,
      reflection: true,
      tls: { port: undefined, peers: undefined },
      peerSecret: undefined,
      trustedProxyHops: 0,
      admission: { concurrent: 256, queued: 1024, queueBudgetMs: 1000 },
    });
  });

  it("takes the ports of the contract unless told otherwise", () => {
    const { ports } = read({ ENGINE_PORT: "0" });
    expect(Object.fromEntries(ports)).toEqual({
      [Workload.GATEWAY]: 8000,
      [Workload.ENGINE]: 0,
      [Workload.AGENTS]: 8002,
      [Workload.ANALYTICS]: 8005,
      [Workload.AUTH]: 8006,
    });
  });

  it("finds workloads of other processes by their addresses", () => {
    const environment = { PEER_SECRET: secret, AUTH_URL: "https://auth.internal:9000" };
    const { addresses } = read(environment, ["engine"]);
    expect(addresses.get(Workload.AUTH)).toEqual(["https://auth.internal:9000"]);
    expect(addresses.get(Workload.AGENTS)).toEqual(["http://127.0.0.1:8002"]);
    expect(addresses.get(Workload.ENGINE)).toEqual([]);
  });

  it("finds each replica of a workload, and leaves the choice to a mesh where there is one", () => {
    const AUTH_URL = "http://10.0.0.1:8006, http://10.0.0.2:8006";
    const { addresses } = read({ PEER_SECRET: secret, AUTH_URL }, ["engine"]);
    expect(addresses.get(Workload.AUTH)).toEqual(["http://10.0.0.1:8006", "http://10.0.0.2:8006"]);
    expect(problems({ MESH: "true", AUTH_URL }, ["engine"])).toMatchObject([{ name: "AUTH_URL" }]);
  });

  it.each(["auth", "localhost:8006", "ftp://auth", "javascript:x", "http://a:1,", "http://a:1,b:1"])(
    "refuses the address %s",
    (AUTH_URL) => {
      expect(problems({ AUTH_URL, PEER_SECRET: secret }, ["engine"])).toMatchObject([{ name: "AUTH_URL" }]);
    },
  );

  it("samples traces as OpenTelemetry's own settings say, before ours", () => {
    const tracingOf = (environment: Record<string, string>) => {
      const { sampler, sampleRatio } = read(environment).tracing;
      return [sampler, sampleRatio];
    };
    expect(tracingOf({})).toEqual(["parentbased_traceidratio", 1]);
    expect(tracingOf({ TRACE_SAMPLE_RATIO: "0.1" })).toEqual(["parentbased_traceidratio", 0.1]);
    const standard = { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" };
    expect(tracingOf({ ...standard, TRACE_SAMPLE_RATIO: "0.1" })).toEqual(["traceidratio", 0.25]);
    expect(problems({ OTEL_TRACES_SAMPLER: "jaeger_remote" })).toMatchObject([
      { name: "OTEL_TRACES_SAMPLER" },
    ]);
    expect(problems({ OTEL_TRACES_SAMPLER_ARG: "2" })).toMatchObject([{ name: "OTEL_TRACES_SAMPLER_ARG" }]);
  });

  it("speaks HTTP/2 by node:http2 unless told otherwise", () => {
    expect(read().http2Client).toBe("node");
    expect(read({ HTTP2_CLIENT: "own" }).http2Client).toBe("own");
    expect(problems({ HTTP2_CLIENT: "go" })).toMatchObject([
      { name: "HTTP2_CLIENT", expected: "one of node, own" },
    ]);
  });

  it("hides the contract in production unless told otherwise", () => {
    expect(read({ ENVIRONMENT: "production" }).reflection).toBe(false);
    expect(read({ ENVIRONMENT: "production", REFLECTION: "true" }).reflection).toBe(true);
    expect(read({ REFLECTION: "false" }).reflection).toBe(false);
  });
});

describe("proof between processes", () => {
  it("is demanded when workloads run apart without a mesh", () => {
    expect(problems({}, ["engine"])).toMatchObject([
      { name: "PEER_SECRET", value: "", expected: expect.stringContaining("MESH=true") },
    ]);
  });

  it("is a secret of 32 characters or more, which no message shows", () => {
    expect(read({ PEER_SECRET: secret }, ["engine"]).peerSecret).toBe(secret);
    expect(problems({ PEER_SECRET: "hunter2" }, ["engine"])).toEqual([
      { name: "PEER_SECRET", value: "(hidden)", expected: "a text of 32 characters or more" },
    ]);
  });

  it("is the mesh's where there is one", () => {
    expect(read({ MESH: "true" }, ["engine"]).mesh).toBe(true);
  });
});

describe("TLS", () => {
  let directory: string;
  let pems: { key: string; cert: string };
  const file = (name: string) => join(directory, name);

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "tls-"));
    pems = await selfSigned();
    writeFileSync(file("key.pem"), pems.key);
    writeFileSync(file("cert.pem"), pems.cert);
    writeFileSync(file("other.pem"), (await selfSigned()).cert);
    writeFileSync(file("notes.txt"), "not a key");
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const pair = () => ({ TLS_KEY_FILE: file("key.pem"), TLS_CERT_FILE: file("cert.pem") });

  it("is served with a key and a certificate, from version 1.3 on unless told otherwise", () => {
    const files = { keyFile: file("key.pem"), certFile: file("cert.pem"), caFile: undefined };
    expect(read(pair()).tls.port).toEqual({ files, minVersion: "TLSv1.3" });
    expect(read({ ...pair(), TLS_MIN_VERSION: "1.2" }).tls.port?.minVersion).toBe("TLSv1.2");
    expect(problems({ ...pair(), TLS_MIN_VERSION: "1.1" })).toMatchObject([{ name: "TLS_MIN_VERSION" }]);
  });

  it("is refused with only one of them, or with files that hold none", () => {
    expect(problems({ TLS_KEY_FILE: file("key.pem") })).toEqual([
      { name: "TLS_CERT_FILE", value: "", expected: "a readable PEM file" },
    ]);
    const wrong = { TLS_KEY_FILE: file("missing.pem"), TLS_CERT_FILE: file("notes.txt") };
    expect(problems(wrong)).toMatchObject([{ name: "TLS_KEY_FILE" }, { name: "TLS_CERT_FILE" }]);
  });

  it("is refused with a certificate of another key", () => {
    const mixed = { TLS_KEY_FILE: file("key.pem"), TLS_CERT_FILE: file("other.pem") };
    expect(problems(mixed)).toEqual([
      { name: "TLS_CERT_FILE", value: file("other.pem"), expected: "the certificate of the key beside it" },
    ]);
  });

  it("asks clients for certificates when it is told whose, and needs keys of its own for that", () => {
    const TLS_CLIENT_CA_FILE = file("other.pem");
    expect(read({ ...pair(), TLS_CLIENT_CA_FILE }).tls.port?.files.caFile).toBe(TLS_CLIENT_CA_FILE);
    expect(problems({ TLS_CLIENT_CA_FILE })).toMatchObject([
      { name: "TLS_KEY_FILE" },
      { name: "TLS_CERT_FILE" },
    ]);
    expect(problems({ ...pair(), TLS_CLIENT_CA_FILE: file("notes.txt") })).toMatchObject([
      { name: "TLS_CLIENT_CA_FILE" },
    ]);
  });

  it("reaches peers with a certificate of its own, and by authorities of its own choice", () => {
    const own = { PEER_TLS_KEY_FILE: file("key.pem"), PEER_TLS_CERT_FILE: file("cert.pem") };
    const PEER_TLS_CA_FILE = file("other.pem");
    expect(read({ PEER_TLS_CA_FILE }).tls.peers).toEqual({ caFile: PEER_TLS_CA_FILE });
    expect(read({ ...own, PEER_TLS_CA_FILE }).tls.peers).toEqual({
      keyFile: file("key.pem"),
      certFile: file("cert.pem"),
      caFile: PEER_TLS_CA_FILE,
    });
    expect(problems({ PEER_TLS_KEY_FILE: file("key.pem") })).toMatchObject([{ name: "PEER_TLS_CERT_FILE" }]);
  });

  it("proves workloads to each other where both sides show certificates", () => {
    const own = { PEER_TLS_KEY_FILE: file("key.pem"), PEER_TLS_CERT_FILE: file("cert.pem") };
    const asked = { ...pair(), TLS_CLIENT_CA_FILE: file("other.pem") };
    expect(problems(own, ["gateway"])).toEqual([]);
    expect(problems(own, ["auth"])).toMatchObject([{ name: "PEER_SECRET" }]);
    expect(problems(asked, ["auth"])).toMatchObject([{ name: "PEER_SECRET" }]);
    expect(problems({ ...own, ...asked }, ["auth"])).toEqual([]);
  });
});
