import { expect, it } from "vitest";
import type { Reply } from "../../../mesh/lab/requests.js";
import { callerAt, callerIn, changed, grpc, grpcStatus, podsOf, record, settles, withRules } from "./lab.js";

const getHealth = "consciousness.system.v1.SystemService/GetHealth";
const calls = 2000;

function percentile(replies: readonly Reply[], part: number): number {
  const times = replies.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return times[Math.floor(times.length * part)]!;
}

it("two proxies and mTLS add less than a few milliseconds to a call", async () => {
  const [engine] = await podsOf("engine");
  const gateway = await callerAt("gateway");
  const beside = callerIn(engine!.netns);
  // Loopback is not redirected, so this is the same process without any proxy.
  const direct = grpc("engine", getHealth, { origin: `http://127.0.0.1:${engine!.port}` });
  const meshed = grpc("engine", getHealth);
  await Promise.all([beside.send({ ...direct, times: 300 }), gateway.send({ ...meshed, times: 300 })]);
  const without: Reply[] = [];
  const through: Reply[] = [];
  // In turns, so that whatever else the machine does meets both.
  for (let round = 0; round < 10; round += 1) {
    without.push(...(await beside.send({ ...direct, times: calls / 10 })));
    through.push(...(await gateway.send({ ...meshed, times: calls / 10 })));
  }
  expect([...without, ...through].filter((reply) => grpcStatus(reply) !== 0)).toEqual([]);
  const [median, inMesh] = [percentile(without, 0.5), percentile(through, 0.5)];
  await record("latency", {
    calls,
    medianDirectMs: Number(median.toFixed(2)),
    medianMeshMs: Number(inMesh.toFixed(2)),
    ratio: Number((inMesh / median).toFixed(2)),
    p99DirectMs: Number(percentile(without, 0.99).toFixed(2)),
    p99MeshMs: Number(percentile(through, 0.99).toFixed(2)),
  });
  expect(inMesh - median).toBeLessThan(20);
});

it("what slows the mesh is noticed", async () => {
  const slow = changed("VirtualService", "engine", ({ spec }) => {
    for (const route of spec.http)
      route.fault = { delay: { fixedDelay: "0.05s", percentage: { value: 100 } } };
  });
  const gateway = await callerAt("gateway");
  await withRules([slow], () =>
    settles("calls take longer", async () => {
      const replies = await gateway.send(grpc("engine", getHealth, { times: 5 }));
      return percentile(replies, 0.5) >= 50;
    }),
  );
});
