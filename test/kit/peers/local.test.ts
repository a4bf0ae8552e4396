import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { Code, type Interceptor, type MethodImpl } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { ServerReflection, ServerReflectionRequestSchema } from "#gen/ts/grpc/reflection/v1/reflection_pb.js";
import { invokeStream, type LocalMethod } from "../../../services/kit/peers/local.js";
import { expectRefusal } from "../chain/calls.js";

const straight: Interceptor = (next) => next;
const method = ServerReflection.method.serverReflectionInfo;
const { signal } = new AbortController();

async function* asking(...hosts: string[]) {
  for (const host of hosts) yield create(ServerReflectionRequestSchema, { host });
}

/** The method of the given kind, whose handler is told nothing of a wire. */
function local(methodKind: DescMethod["methodKind"], handler: unknown): LocalMethod {
  return {
    method: { ...method, methodKind } as DescMethod,
    plan: straight,
    handler: handler as MethodImpl<DescMethod>,
  };
}

async function hosts(target: LocalMethod, messages: AsyncIterable<Message>): Promise<unknown[]> {
  const found: unknown[] = [];
  const { message } = await invokeStream(target, { messages, signal });
  for await (const answer of message) found.push((answer as unknown as { validHost: string }).validHost);
  return found;
}

type Asked = AsyncIterable<{ host: string }>;

describe("a stream in memory", () => {
  it("of an upload is answered once, with all of it", async () => {
    const target = local("client_streaming", async (input: Asked) => {
      let validHost = "";
      for await (const { host } of input) validHost += host;
      return { validHost };
    });
    expect(await hosts(target, asking("a", "b"))).toEqual(["ab"]);
  });

  it("both ways goes on with what comes", async () => {
    const target = local("bidi_streaming", async function* (input: Asked) {
      for await (const { host } of input) yield { validHost: host.toUpperCase() };
    });
    expect(await hosts(target, asking("a", "b"))).toEqual(["A", "B"]);
  });

  it("for one message fails without that message", async () => {
    const target = local("server_streaming", async function* () {
      yield {};
    });
    await expectRefusal(hosts(target, asking()), Code.Internal, "INTERNAL");
  });

  it("ends its handler when its reader leaves", async () => {
    let ended = false;
    const target = local("server_streaming", async function* () {
      try {
        for (;;) yield {};
      } finally {
        ended = true;
      }
    });
    const { message } = await invokeStream(target, { messages: asking("a"), signal });
    for await (const _ of message) break;
    expect(ended).toBe(true);
  });
});
