import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { expect, it, onTestFinished } from "vitest";
import type { CallStream } from "../../../services/gateway/transcode/serve-stream.js";
import { createTranscoder } from "../../../services/gateway/transcode/transcoder.js";
import { listen } from "../../../services/kit/serve/listen.js";
import { until } from "../../support/until.js";
import { type Context, echo, registry, serviceOf, streaming } from "../transcode/fixture.js";
import { settledMegabytes } from "./memory.js";

/** How long the streams last by the wall clock; STREAM_SECONDS=600 makes it ten minutes. */
const seconds = Number(process.env.STREAM_SECONDS ?? 20);
const readers = 20;
const perSecond = 20;

const steadily: CallStream<Context> = async ({ method, signal }) => {
  async function* messages() {
    const end = Date.now() + seconds * 1000;
    for (let sent = 0; Date.now() < end && !signal.aborted; sent++) {
      yield create(method.output, { tags: [`${sent}`.padEnd(1000)] } as never);
      await pause(1000 / perSecond);
    }
  }
  return streaming(messages());
};

it(`memory stays where it is while ${readers} streams last ${seconds} seconds`, {
  timeout: (seconds + 60) * 1000,
}, async () => {
  const transcoder = createTranscoder<Context>({
    services: [serviceOf("Fixture")],
    call: echo,
    stream: steadily,
    options: { requestId: ({ id }) => id, registry },
  });
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: (request, response) => void transcoder.handle(request, response, { id: "r1" }),
  });
  onTestFinished(() => listener.drain(0));
  const read = async (accept: string) => {
    const url = `http://127.0.0.1:${listener.port}/v1/watch/steady/tags`;
    const [response] = await once(
      httpRequest(url, { headers: { accept, connection: "close" } }).end(),
      "response",
    );
    let messages = 0;
    for await (const chunk of response)
      messages += String(chunk)
        .split("\n")
        .filter((line) => line.length > 900).length;
    return messages;
  };
  const streams = Array.from({ length: readers }, (_, index) =>
    read(index % 2 === 0 ? "text/event-stream" : "application/x-ndjson"),
  );
  await pause(seconds * 200);
  const early = await settledMegabytes();
  await pause(seconds * 700);
  const late = await settledMegabytes();
  const counts = await Promise.all(streams);
  expect(late - early).toBeLessThan(3);
  // Each of them got what a busy machine sends in the time, without a gap at its end.
  expect(Math.min(...counts)).toBeGreaterThan((seconds * perSecond) / 2);
  await until(() => listener.connections === 0);
  expect((await settledMegabytes()) - early).toBeLessThan(3);
});
