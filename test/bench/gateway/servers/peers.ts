import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { answer, imagePath, plainService, restPath, review } from "../contract/review.js";
import { portOf } from "./raw.js";

function routes(router: ConnectRouter): void {
  const service = plainService();
  router.service(service, { review: answer } as unknown as ServiceImpl<typeof service>);
}

/** connect-node on node:http. */
export function serveConnectHttp1(): Promise<number> {
  return portOf(createServer(connectNodeAdapter({ routes })));
}

/** connect-node on node:http2. */
export function serveConnectHttp2(): Promise<number> {
  return portOf(createHttp2Server(connectNodeAdapter({ routes })));
}

/** grpc-js, with the codec it is usually given. */
export async function serveGrpcJs(): Promise<number> {
  const grpc = await import("@grpc/grpc-js");
  // Dependencies of grpc-js, found from there; protobufjs brings google/api along.
  const fromGrpc = createRequire(import.meta.resolve("@grpc/grpc-js"));
  const loader = fromGrpc("@grpc/proto-loader");
  const fromLoader = createRequire(fromGrpc.resolve("@grpc/proto-loader"));
  const includeDirs = [dirname(imagePath), dirname(fromLoader.resolve("protobufjs/package.json"))];
  const definition = loader.loadSync("review.proto", { keepCase: true, includeDirs });
  const server = new grpc.Server();
  server.addService(definition["review.v1.ReviewService"], {
    review: (
      { request }: { request: { limits: { quality: number } } },
      done: (error: null, reply: object) => void,
    ) => done(null, review(request.limits.quality)),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

const number = { type: "number" };
const text = { type: "string" };

/** Fastify with schemas of request and response, from the folder where it was installed. */
export async function serveFastify(folder: string): Promise<number> {
  const fastify = createRequire(`${folder}/`)("fastify");
  const app = fastify();
  const numbers = (...names: string[]) => ({
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name, number])),
  });
  const schema = {
    body: {
      type: "object",
      additionalProperties: false,
      properties: {
        text: { ...text, minLength: 1, maxLength: 2000 },
        limits: numbers("quality", "ethics"),
        labels: { type: "object", additionalProperties: text },
      },
    },
    response: {
      200: {
        type: "object",
        properties: {
          id: text,
          answer: text,
          scores: numbers("awareness", "load", "alignment", "valence", "asked"),
          notes: { type: "array", items: text },
          duration: number,
          weights: { type: "object", additionalProperties: number },
        },
      },
    },
  };
  const handle = async (request: { body: { limits: { quality: number } } }) =>
    review(request.body.limits.quality);
  app.post(restPath, { schema }, handle);
  await app.listen({ port: 0, host: "127.0.0.1" });
  return app.server.address().port;
}
