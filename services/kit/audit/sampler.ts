import { newId } from "../ids.js";
import { sharedTimers, type Timer, type Timers } from "../timers.js";
import type { Actor } from "./actor.js";
import type { AuditDetails, NewAuditEvent } from "./event.js";

/** Decides which of many like events are recorded one by one; the others are counted. */
export interface Sampler {
  /** Whether to record the event now; otherwise it is part of a later one, which says how many it stands for. */
  admits(event: NewAuditEvent): boolean;
  /** Tells of everything counted so far. */
  flush(): void;
}

/** What a sampler is made of. */
export interface SamplerOptions {
  /** Events of one name are alike. */
  nameOf(event: NewAuditEvent): string;
  /** How many alike are recorded one by one in a window. */
  readonly allowed: number;
  readonly windowMs: number;
  /** Takes the event that stands for those that were counted. */
  emit(event: NewAuditEvent): void;
  readonly timers?: Timers;
  /** How many names are told apart in a window. */
  readonly mostNames?: number;
}

interface Alike {
  admitted: number;
  counted: number;
  /** What those counted have in common. */
  common: NewAuditEvent | undefined;
}

/**
 * Makes a sampler: of events that are alike the first of a window pass, the rest
 * is one event with their count when the window ends, so that a flood fills
 * neither memory nor the record and is never silent. Beyond the most names, what
 * is left is told apart by its reason alone.
 */
export function createSampler(options: SamplerOptions): Sampler {
  const { nameOf, allowed, windowMs, emit, timers = sharedTimers, mostNames = 4_096 } = options;
  let seen = new Map<string, Alike>();
  let window: Timer | undefined;

  const alikeOf = (event: NewAuditEvent): Alike => {
    const name = nameOf(event);
    const known = seen.get(name);
    if (known) return known;
    const crowded = seen.size >= mostNames;
    const key = crowded ? `others ${event.event.reason}` : name;
    const alike = seen.get(key) ?? { admitted: crowded ? allowed : 0, counted: 0, common: undefined };
    seen.set(key, alike);
    return alike;
  };
  const flush = () => {
    window?.stop();
    window = undefined;
    const ended = seen;
    seen = new Map();
    for (const { counted, common } of ended.values()) {
      if (common) emit({ ...common, event: { ...common.event, id: newId(), count: counted } });
    }
  };
  return {
    admits(event) {
      window ??= timers.start(windowMs, flush);
      const alike = alikeOf(event);
      if (alike.admitted < allowed) {
        alike.admitted += 1;
        return true;
      }
      alike.counted += 1;
      alike.common = alike.common ? commonOf(alike.common, event) : event;
      return false;
    },
    flush,
  };
}

/** What two events say alike; the later one's request. */
function commonOf(one: NewAuditEvent, other: NewAuditEvent): NewAuditEvent {
  const [a, b] = [one.event, other.event];
  const same = (key: "method" | "target" | "address" | "userAgent") => (a[key] === b[key] ? b[key] : "");
  const event: AuditDetails = {
    ...b,
    actor: commonActor(a.actor, b.actor),
    method: same("method"),
    target: same("target"),
    address: same("address"),
    userAgent: same("userAgent"),
  };
  return {
    accountName: one.accountName === other.accountName ? other.accountName : "",
    tenantName: one.tenantName === other.tenantName ? other.tenantName : "",
    accountId: one.accountId === other.accountId ? other.accountId : "",
    event,
  };
}

function commonActor(a: Actor | undefined, b: Actor | undefined): Actor | undefined {
  if (!a || !b || a.subject !== b.subject || a.tenantId !== b.tenantId) return undefined;
  return {
    ...b,
    sessionId: a.sessionId === b.sessionId ? b.sessionId : "",
    apiKeyId: a.apiKeyId === b.apiKeyId ? b.apiKeyId : "",
  };
}
