import { create } from "@bufbuild/protobuf";
import { timestampDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Event, EventSchema } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import type { BusMessage } from "../stores/bus/port.js";

const typeUrl = "type.googleapis.com/";

/**
 * An event as a CloudEvent 1.0 in binary mode, as the NATS protocol binding has
 * it: an attribute per header, the payload alone as body. `source` is the
 * workload that recorded it and the domain of its subject.
 */
export function toMessage(event: Event, source: string): BusMessage {
  const type = event.payload?.typeUrl.slice(typeUrl.length) ?? "";
  const attributes: Record<string, string> = {
    "ce-specversion": "1.0",
    "ce-id": event.id,
    "ce-type": type,
    "ce-source": `/consciousness/${source}`,
    "ce-subject": event.aggregateId,
    "ce-time": event.time ? timestampDate(event.time).toISOString() : "",
    "content-type": "application/protobuf",
    "ce-tenantid": event.tenantId,
    "ce-aggregatetype": event.aggregateType,
    "ce-aggregateversion": String(event.version),
    "ce-actor": event.actor,
    "ce-causationid": event.causationId,
    "ce-keyid": event.keyId,
    traceparent: event.traceParent,
  };
  const present = Object.entries(attributes).filter(([, value]) => value !== "");
  return {
    id: event.id,
    subject: `events.${source}.${type.slice(type.lastIndexOf(".") + 1)}`,
    headers: Object.fromEntries(present.map(([name, value]) => [name, encode(value)])),
    body: event.payload?.value ?? new Uint8Array(),
  };
}

/** The event in a message of the bus; undefined when it holds none. */
export function fromMessage({ headers, body }: Pick<BusMessage, "headers" | "body">): Event | undefined {
  const attribute = (name: string) => decode(headers[name] ?? "");
  const id = attribute("ce-id");
  const type = attribute("ce-type");
  const time = Date.parse(attribute("ce-time"));
  const version = attribute("ce-aggregateversion");
  if (headers["ce-specversion"] !== "1.0" || !id || !type) return undefined;
  if (Number.isNaN(time) || !/^\d{1,18}$/.test(version)) return undefined;
  return create(EventSchema, {
    id,
    tenantId: attribute("ce-tenantid"),
    aggregateType: attribute("ce-aggregatetype"),
    aggregateId: attribute("ce-subject"),
    version: BigInt(version),
    time: timestampFromMs(time),
    actor: attribute("ce-actor"),
    causationId: attribute("ce-causationid"),
    traceParent: attribute("traceparent"),
    keyId: attribute("ce-keyid"),
    payload: { typeUrl: `${typeUrl}${type}`, value: body },
  });
}

// CloudEvents, HTTP protocol binding, section 3.1.3.2: what is not printable ASCII,
// and space, quote and percent, is percent-encoded as UTF-8.
function encode(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
