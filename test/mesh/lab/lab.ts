import { readFile, writeFile } from "node:fs/promises";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterAll, inject } from "vitest";
import { AuthService, ExchangeTokenResponseSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { apply, kubectl } from "../../../mesh/lab/apiserver.js";
import { type LabCaller, openCaller } from "../../../mesh/lab/caller.js";
import { attempt, until } from "../../../mesh/lab/commands.js";
import { adminPassword } from "../../../mesh/lab/environment.js";
import { find, type Rendered, renderOverlay } from "../../../mesh/lab/manifests.js";
import { within } from "../../../mesh/lab/network.js";
import { control, inLab, namespace, outsideHost } from "../../../mesh/lab/place.js";
import { type Pod, runningPods } from "../../../mesh/lab/pods.js";
import type { Load, Reply } from "../../../mesh/lab/requests.js";
import { workloadProfile, workloads } from "../../../services/kit/contract/workloads.js";

/** The lab that all tests share. */
export const place = inject("place");

/** The environment's objects, as applied. */
export const rendered: readonly Rendered[] = await renderOverlay(place);

const callers = new Map<string, LabCaller>();
afterAll(() => {
  for (const caller of callers.values()) caller.close();
  callers.clear();
});

/** The replicas of a workload, oldest first. */
export async function podsOf(app: string): Promise<Pod[]> {
  return (await runningPods(place)).filter((pod) => pod.app === app);
}

/** A client in the place of a workload: what it sends leaves through that pod's proxy. */
export async function callerAt(app: string): Promise<LabCaller> {
  const [pod] = await podsOf(app);
  if (!pod) throw new Error(`no pod of ${app} runs`);
  return callerIn(pod.netns);
}

/** A client outside the mesh. */
export const outside = () => callerIn(control);

export function callerIn(netns: string): LabCaller {
  const known = callers.get(netns);
  if (known) return known;
  const caller = openCaller(place, netns);
  callers.set(netns, caller);
  return caller;
}

/** Base URL of a workload's Service. */
export function originOf(workload: string): string {
  return `http://${workload}:${workloadProfile(workloads.get(workload as never)!).port}`;
}

/** A message as gRPC frames it, in base64. */
export function frame<D extends DescMessage>(schema: D, message: MessageInitShape<D>): string {
  const bytes = toBinary(schema, create(schema, message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]).toString("base64");
}

/** The message of a gRPC reply. */
export function unframe<D extends DescMessage>(schema: D, reply: Reply) {
  return fromBinary(schema, Buffer.from(reply.body, "base64").subarray(5));
}

const emptyFrame = Buffer.alloc(5).toString("base64");

/** A gRPC call of a method, `consciousness.agents.v1.AgentsService/GetAgent`, at a workload. */
export function grpc(workload: string, method: string, more: Partial<Load> = {}): Load {
  const headers = { "content-type": "application/grpc", te: "trailers", ...more.headers };
  return {
    origin: originOf(workload),
    method: "POST",
    path: `/${method}`,
    body: emptyFrame,
    ...more,
    headers,
  };
}

/** A request through the ingress. */
export async function fromOutside(
  method: string,
  path: string,
  more: { token?: string; json?: object; headers?: Record<string, string> } = {},
): Promise<Load> {
  const [ingress] = await podsOf("ingress");
  const body = more.json ? { body: Buffer.from(JSON.stringify(more.json)).toString("base64") } : {};
  const headers = {
    ...(more.json ? { "content-type": "application/json" } : {}),
    ...(more.token ? { authorization: `Bearer ${more.token}` } : {}),
    ...more.headers,
  };
  return {
    origin: `https://${ingress!.address}:8443`,
    authority: outsideHost,
    servername: outsideHost,
    method,
    path,
    headers,
    ...body,
  };
}

/** `grpc-status` of a reply, -1 without one. */
export function grpcStatus({ headers, trailers }: Reply): number {
  return Number(headers["grpc-status"] ?? trailers["grpc-status"] ?? -1);
}

/** Whether a proxy refused the call by an authorization policy. */
export function isRefused(reply: Reply): boolean {
  const message = decodeURIComponent(reply.headers["grpc-message"] ?? "");
  return (
    message === "RBAC: access denied" || (reply.status === 403 && textOf(reply) === "RBAC: access denied")
  );
}

/** Whether the details of our typed error have this reason. */
export function hasReason({ headers, trailers }: Reply, reason: string): boolean {
  const details = headers["grpc-status-details-bin"] ?? trailers["grpc-status-details-bin"] ?? "";
  return Buffer.from(details, "base64").toString("latin1").includes(reason);
}

/** The body of a reply as text. */
export const textOf = ({ body }: Reply) => Buffer.from(body, "base64").toString();

let signedIn: string | undefined;

/** An access token of the first account. */
export async function signIn(): Promise<string> {
  // Checking a password takes long in the lab, and a busy machine may not manage within the deadline.
  await until("the first account signs in", async () => {
    signedIn ??= await logIn();
    return signedIn !== undefined;
  });
  return signedIn!;
}

async function logIn(): Promise<string | undefined> {
  const login = await fromOutside("POST", "/api/v1/auth/login", {
    json: { username: "admin", password: adminPassword },
  });
  const reply = await outside().call({ ...login, timeoutMs: 10_000 });
  if (reply.status === 504) return undefined;
  if (reply.status !== 200) throw new Error(`login answered ${reply.status} ${textOf(reply)}`);
  return JSON.parse(textOf(reply)).tokens.access_token;
}

/** The header with which the gateway calls a workload in the first account's name; for 60 seconds. */
export async function internalToken(audience: string): Promise<{ authorization: string }> {
  const subjectToken = await signIn();
  const body = frame(AuthService.method.exchangeToken.input, { subjectToken, audience });
  const exchange = grpc("auth", "consciousness.auth.v1.AuthService/ExchangeToken", { body });
  let reply: Reply | undefined;
  await until("a token is exchanged", async () => {
    reply = await (await callerAt("gateway")).call(exchange);
    return grpcStatus(reply) === 0;
  });
  return { authorization: `Bearer ${unframe(ExchangeTokenResponseSchema, reply!).token}` };
}

/** Resolves when `check` has held six times in a row: proxies take new rules over one after the other. */
export async function settles(
  what: string,
  check: () => Promise<boolean>,
  timeoutMs = 40_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  let held = 0;
  while (held < 6) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    held = (await check()) ? held + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A copy of one of the environment's objects, changed. */
export function changed(kind: string, name: string, change: (object: Rendered) => void): Rendered {
  const copy = structuredClone(find(rendered, kind, name));
  change(copy);
  return copy;
}

/** Runs `work` while objects stand in place of the environment's own, or beside them; puts those back. */
export async function withRules(objects: readonly Rendered[], work: () => Promise<void>): Promise<void> {
  await apply(place, objects);
  try {
    await work();
  } finally {
    await restore(objects);
  }
}

/** Runs `work` without some of the environment's objects. */
export async function withoutRules(objects: readonly Rendered[], work: () => Promise<void>): Promise<void> {
  for (const object of objects) await remove(object);
  try {
    await work();
  } finally {
    await restore(objects);
  }
}

async function restore(objects: readonly Rendered[]): Promise<void> {
  for (const { kind, metadata } of objects) {
    const own = rendered.find((one) => one.kind === kind && one.metadata.name === metadata.name);
    if (own) await apply(place, [own]);
    else await remove({ kind, metadata } as Rendered);
  }
}

async function remove({ kind, metadata }: Rendered): Promise<void> {
  await kubectl(place, ["-n", namespace, "delete", kind, metadata.name, "--ignore-not-found"]);
}

/** Statistics of a workload's proxy whose names match. */
export async function proxyStats(app: string, filter: string): Promise<Map<string, number>> {
  const [pod] = await podsOf(app);
  const url = `http://127.0.0.1:15000/stats?filter=${encodeURIComponent(filter)}`;
  const { stdout } = await attempt("ip", [...within(pod!.netns), "curl", "-s", url]);
  const lines = stdout.split("\n").filter(Boolean);
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(":")),
      Number(line.slice(line.lastIndexOf(":") + 1)),
    ]),
  );
}

/** Lines of a replica's log that are JSON. */
export async function logLines(
  pod: Pod,
): Promise<{ message: string; metadata: Record<string, unknown>; correlation_id?: string }[]> {
  const text = await readFile(inLab(place, "pods", pod.name, "app.log"), "utf8");
  return text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

/** Keeps a measurement for mesh/results.json. */
export async function record(name: string, value: unknown): Promise<void> {
  const file = inLab(place, "results.json");
  const known = JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as object;
  await writeFile(file, `${JSON.stringify({ ...known, [name]: value }, null, 2)}\n`);
}

/** Requests that a workload's proxy has sent to the replicas of a cluster, retries included. */
export async function requestsTo(app: string, cluster: string): Promise<number> {
  const [pod] = await podsOf(app);
  const { stdout } = await attempt("ip", [
    ...within(pod!.netns),
    "curl",
    "-s",
    "http://127.0.0.1:15000/clusters",
  ]);
  const counts = stdout
    .split("\n")
    .filter((line) => line.startsWith(`${cluster}::`) && line.includes("::rq_total::"));
  return counts.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(":") + 1)), 0);
}
