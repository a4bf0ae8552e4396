import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { errorFacts } from "../../../services/kit/errors.js";
import { adminPassword, type TestPlatform } from "../../support/platform.js";
import { json, send, startEdge } from "./browser.js";

// A password check takes longer than a millisecond, on any machine.
const credentials = { username: "admin", password: adminPassword };
let platform: TestPlatform;
beforeAll(async () => {
  platform = await startEdge();
});
afterAll(() => platform.stop());

const login = (headers: Record<string, string>) =>
  send(platform.url, "POST", "/api/v1/auth/login", json(credentials, headers));

describe("how long a caller of REST waits", () => {
  it.each([
    ["x-timeout-ms", "1"],
    ["connect-timeout-ms", "1"],
    ["grpc-timeout", "1m"],
  ])("is said by %s", async (name, value) => {
    const { status, json: problem } = await login({ [name]: value });
    expect([status, problem.reason]).toEqual([504, "DEADLINE_EXCEEDED"]);
  });

  it.each([
    ["x-timeout-ms", "soon"],
    ["x-timeout-ms", "-1"],
    ["x-timeout-ms", "1.5"],
    ["x-timeout-ms", "99999999999"],
    ["grpc-timeout", "1"],
  ])("is refused as %s: %s", async (name, value) => {
    const { status, json: problem } = await login({ [name]: value });
    expect([status, problem.reason]).toEqual([400, "PARAMETER_INVALID"]);
  });

  it("may be longer than the contract allows, which then counts", async () => {
    expect((await login({ "x-timeout-ms": "9999999999" })).status).toBe(200);
  });
});

describe("how long another caller waits", () => {
  it.each([
    ["Connect", createConnectTransport],
    ["gRPC-Web", createGrpcWebTransport],
    ["gRPC", createGrpcTransport],
  ])("is said over %s, and may be longer than the contract allows", async (_, createTransport) => {
    const transport = createTransport({ baseUrl: platform.url, httpVersion: "2" });
    const client = createClient(AuthService, transport);
    // By header alone, so that the client itself does not give up.
    const timeout = (ms: string) => ({
      headers:
        createTransport === createConnectTransport
          ? { "connect-timeout-ms": ms }
          : { "grpc-timeout": `${ms}m` },
    });
    const error = ConnectError.from(await client.login(credentials, timeout("1")).catch((caught) => caught));
    expect([error.code, errorFacts(error)?.reason]).toEqual([Code.DeadlineExceeded, "DEADLINE_EXCEEDED"]);
    expect((await client.login(credentials, timeout("99999999"))).tokens).toBeDefined();
  });
});
