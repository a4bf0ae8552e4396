import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { sql } from "kysely";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { AgentTables } from "../../../services/agents/rows.js";
import { definition } from "../../../services/agents/service.js";
import { callKey, type Principal, principalOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { newId } from "../../../services/kit/ids.js";
import { readEvents } from "../../../services/kit/outbox.js";
import { openSchema } from "../../../services/kit/stores/database/kysely.js";
import type { Platform } from "../../../services/kit/workload.js";
import { testDatabase } from "../../support/database.js";
import { person as anybody } from "../../support/person.js";

type Methods = typeof AgentsService.method;
type Unary = Methods[keyof Methods] & DescMethodUnary;

/** The methods of the service as one principal calls them: without the chain, with everything below it. */
export type AgentsOf = {
  readonly [K in keyof Methods]: (
    request: MessageInitShape<Methods[K]["input"]>,
  ) => Promise<MessageShape<Methods[K]["output"]>>;
};

/** When the tests begin, in milliseconds of the epoch; time passes only when told. */
export const startTime = Date.parse("2026-03-01T12:00:00.000Z");

/** A person of a tenant, new unless named. */
export function person(tenant = "default", subject = newId()): Principal {
  return anybody({ tenant, subject });
}

/** The service on a database in memory. One per file; give each test a person of its own. */
export async function startAgents({ knowledgeBytes = 4096, sharesPerAgent = 3 } = {}) {
  const database = await testDatabase();
  const time = { now: startTime };
  const clock = { now: () => time.now, monotonic: () => time.now };
  const accounts = new Set<string>();
  const platform = { clock, database: async () => database, peer: () => subjectsOf(accounts) };
  const served = await definition.start({ knowledgeBytes, sharesPerAgent }, platform as unknown as Platform);
  const handlers = served.implementations[0]?.handlers as Record<string, Handler>;
  const db = openSchema<AgentTables>(database, "agents");

  return {
    database,
    served,
    time,
    db,
    /** Makes an account known to auth, which is another service. */
    known(principal: Principal): Principal {
      accounts.add(accountKey(principal));
      return principal;
    },
    /** The service as `principal` calls it. */
    as: (principal: Principal | undefined): AgentsOf => callable(handlers, principal),
    /** Events of one agent, oldest first. */
    events: (id: string): Promise<Event[]> =>
      readEvents(db, { aggregate: { type: "agent", id }, limit: 100 }),
    /** Makes every event fail while `work` runs. */
    async withoutEvents<R>(work: () => Promise<R>): Promise<R> {
      await sql`alter table agents.outbox add constraint no_events check (false) not valid`.execute(db);
      return work().finally(() => sql`alter table agents.outbox drop constraint no_events`.execute(db));
    },
  };
}

/** The started service. */
export type Agents = Awaited<ReturnType<typeof startAgents>>;

const accountKey = ({ tenant, subject }: Pick<Principal, "tenant" | "subject">) => `${tenant} ${subject}`;

/** Answers ResolveSubject as auth does. */
function subjectsOf(accounts: ReadonlySet<string>) {
  return {
    async resolveSubject({ subject }: { subject: string }, context: HandlerContext) {
      const { tenant } = principalOf(context);
      if (!accounts.has(accountKey({ tenant, subject }))) throw errors.subjectNotFound({ subject });
      return {};
    },
  };
}

type Handler = (request: unknown, context: HandlerContext) => Promise<object>;

function callable(handlers: Record<string, Handler>, principal: Principal | undefined): AgentsOf {
  const method = (name: string, { input, output }: Unary) => {
    return async (request: MessageInitShape<typeof input>) => {
      const message = deepFreeze(create(input, request as never));
      const reply = await handlers[name]?.(message, contextOf(principal));
      return create(output, reply as never);
    };
  };
  return Object.fromEntries(
    Object.entries(AgentsService.method).map(([name, desc]) => [name, method(name, desc as Unary)]),
  ) as unknown as AgentsOf;
}

function contextOf(principal: Principal | undefined): HandlerContext {
  const call = {
    requestId: newId(),
    correlationId: "test",
    caller: Workload.GATEWAY,
    principal,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
  };
  return { values: createContextValues().set(callKey, call) } as HandlerContext;
}

// Messages pass by reference in one process, so no handler may write to one.
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const one of Object.values(value)) deepFreeze(one);
    Object.freeze(value);
  }
  return value;
}
