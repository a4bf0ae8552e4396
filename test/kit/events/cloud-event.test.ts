import { create, equals } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventSchema } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { fromMessage, toMessage } from "../../../services/kit/events/cloud-event.js";

const text = fc.string({ unit: "grapheme" });
const events = fc
  .record({
    id: fc.uuid(),
    tenantId: text,
    aggregateType: text,
    aggregateId: text,
    version: fc.bigInt({ min: 1n, max: 10n ** 17n }),
    time: fc.integer({ min: 0, max: 4_000_000_000_000 }).map((ms) => timestampFromMs(ms)),
    actor: text,
    causationId: text,
    traceParent: fc.constantFrom("", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    keyId: text,
    payload: fc.uint8Array().map((value) => ({ typeUrl: "type.googleapis.com/a.b.v1.Happened", value })),
  })
  .map((fields) => create(EventSchema, fields));

describe("an event as a CloudEvent", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(events, (event) => {
        const back = fromMessage(toMessage(event, "agents"));
        expect(back && equals(EventSchema, back, event)).toBe(true);
      }),
    );
  });

  it("has headers of printable ASCII only, so that no value can end a header", () => {
    fc.assert(
      fc.property(events, (event) => {
        for (const value of Object.values(toMessage(event, "agents").headers)) {
          expect(value).toMatch(/^[\x21-\x7e]+$/);
        }
      }),
    );
  });

  it.each([
    ["no attributes", {}],
    ["another version of the specification", { "ce-specversion": "0.3" }],
    ["no time", { "ce-time": "yesterday" }],
    ["no version of its aggregate", { "ce-aggregateversion": "-1" }],
    ["no id", { "ce-id": "" }],
  ])("is none with %s", (_, change) => {
    const event = create(EventSchema, { id: "1", version: 1n, time: timestampFromMs(0) });
    const payload = { typeUrl: "type.googleapis.com/a.b.v1.Happened", value: new Uint8Array() };
    const message = toMessage({ ...event, payload: { ...payload, $typeName: "google.protobuf.Any" } }, "a");
    expect(fromMessage(message)).toBeDefined();
    const headers = Object.keys(change).length === 0 ? {} : { ...message.headers, ...change };
    expect(fromMessage({ ...message, headers })).toBeUndefined();
  });

  it("keeps a value that another producer encoded wrongly as it is", () => {
    const event = create(EventSchema, {
      id: "1",
      version: 1n,
      time: timestampFromMs(0),
      payload: { typeUrl: "type.googleapis.com/a.b.v1.Happened", value: new Uint8Array() },
    });
    const message = toMessage(event, "a");
    expect(fromMessage({ ...message, headers: { ...message.headers, "ce-actor": "100%" } })?.actor).toBe(
      "100%",
    );
  });
});
