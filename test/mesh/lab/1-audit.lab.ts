import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../../mesh/lab/commands.js";
import { find } from "../../../mesh/lab/manifests.js";
import { controlAddress, namespace } from "../../../mesh/lab/place.js";
import { type Pod, removePod } from "../../../mesh/lab/pods.js";
import {
  callerAt,
  callerIn,
  changed,
  fromOutside,
  grpc,
  hasReason,
  outside,
  place,
  rendered,
  settles,
  signIn,
  textOf,
  withoutRules,
  withRules,
} from "./lab.js";
import { startStranger } from "./stranger.js";

const getState = "consciousness.engine.v1.EngineService/GetState";
const deleteAgent = "consciousness.agents.v1.AgentsService/DeleteAgent";
/** What a caller may claim of its client. */
const forged = { "x-forwarded-for": "192.0.2.66", "x-consciousness-client-address": "192.0.2.66" };

interface AuditEvent {
  readonly reason: string;
  readonly workload: string;
  readonly address?: string;
  readonly actor?: { readonly kind: string; readonly subject: string };
}

let stranger: Pod;
beforeAll(async () => {
  stranger = await startStranger();
});
afterAll(() => removePod(place, stranger));

/** The first event of the platform since `start` that meets the filter and the condition. */
async function eventSince(
  start: Date,
  filter: Readonly<Record<string, string>>,
  meets: (event: AuditEvent) => boolean = () => true,
): Promise<AuditEvent> {
  const query = new URLSearchParams({ platform: "true", start_time: start.toISOString(), ...filter });
  const token = await signIn();
  let found: AuditEvent | undefined;
  await until(`an event of ${query} is recorded`, async () => {
    const reply = await outside().call(await fromOutside("GET", `/api/v1/audit/events?${query}`, { token }));
    expect([reply.status, textOf(reply)]).toEqual([200, expect.any(String)]);
    const { events } = JSON.parse(textOf(reply)) as { events: AuditEvent[] };
    found = events.find(meets);
    return found !== undefined;
  });
  return found!;
}

describe("the audit record", () => {
  it("has a refusal at the gateway with the address that the ingress saw, whatever the client claims", async () => {
    const start = new Date();
    const path = "/api/v1/agents/0190a000-0000-7000-8000-00000000000a";
    const reply = await outside().call(await fromOutside("DELETE", path, { headers: forged }));
    expect(reply.status).toBe(401);
    const event = await eventSince(start, { method: deleteAgent, reason: "CREDENTIALS_MISSING" });
    expect([event.workload, event.address]).toEqual(["gateway", controlAddress]);
  });

  it("has a refused workload by its certificate, at no address that it claims", async () => {
    const start = new Date();
    const open = changed("AuthorizationPolicy", "engine", ({ spec }) => {
      spec.rules = [{}];
    });
    const callers = [
      [await callerAt("agents"), "agents"],
      [callerIn(stranger.netns), `spiffe://cluster.local/ns/${namespace}/sa/stranger`],
    ] as const;
    await withoutRules([find(rendered, "Sidecar", "agents")], () =>
      withRules([open], async () => {
        for (const [caller, subject] of callers) {
          await settles(`the engine itself refuses ${subject}`, async () =>
            hasReason(await caller.call(grpc("engine", getState, { headers: forged })), "CALLER_NOT_ALLOWED"),
          );
          const filter = { method: getState, reason: "CALLER_NOT_ALLOWED" };
          const event = await eventSince(start, filter, ({ actor }) => actor?.subject === subject);
          expect(event).toMatchObject({ workload: "engine", actor: { kind: "SUBJECT_KIND_WORKLOAD" } });
          expect(event.address ?? "").toBe("");
        }
      }),
    );
  });
});
