import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { AuditService } from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { SubjectsService } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { auditServices } from "../../../services/auth/audit.js";
import { type AuthTables, openAuthStore } from "../../../services/auth/store.js";
import { callKey, type Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { openSchema } from "../../../services/kit/stores/database/kysely.js";
import { testDatabase } from "../../support/database.js";
import { testTime } from "./auth.js";

type Methods = typeof AuditService.method & typeof SubjectsService.method;
type Handler = (request: unknown, context: HandlerContext) => Promise<object>;

/** The methods of the audit record as somebody calls them, without the chain. */
export type AuditMethods = {
  readonly [K in keyof Methods]: (
    request: MessageInitShape<Methods[K]["input"]>,
  ) => Promise<MessageShape<Methods[K]["output"]>>;
};

/** Somebody of a tenant. */
export function reader(tenant: string, ...permissions: Permission[]): Principal {
  return {
    tenant,
    home: tenant,
    subject: newId(),
    kind: "user",
    username: "auditor",
    roles: [],
    permissions: new Set(permissions),
    tier: Tier.BASIC,
    session: newId(),
    apiKey: "",
    epoch: 0,
  };
}

/** The record on a database in memory. One per file; give each test a tenant of its own. */
export async function startAudit() {
  const database = await testDatabase();
  const store = await openAuthStore({ database, clock: testTime().clock });
  const served = auditServices({ store, keyEncryptionKey: Buffer.alloc(32, 7) });
  const handlers = Object.assign({}, ...served.map((one) => one.handlers)) as Record<string, Handler>;
  const callable = (principal: Principal | undefined, caller: Workload): AuditMethods => {
    const methods = { ...AuditService.method, ...SubjectsService.method };
    const method = ([name, { input, output }]: [string, DescMethodUnary]) => {
      const call = async (request: object) =>
        create(
          output,
          (await handlers[name]?.(create(input, request as never), contextOf(principal, caller))) as never,
        );
      return [name, call];
    };
    return Object.fromEntries(Object.entries(methods).map((entry) => method(entry as never)));
  };
  return {
    database,
    store,
    db: openSchema<AuthTables>(database, "auth"),
    as: (principal: Principal) => callable(principal, Workload.GATEWAY),
    from: (workload: Workload) => callable(undefined, workload),
  };
}

/** The started record. */
export type Audit = Awaited<ReturnType<typeof startAudit>>;

function contextOf(principal: Principal | undefined, caller: Workload): HandlerContext {
  const requestId = newId();
  const deadline = Number.POSITIVE_INFINITY;
  const call = {
    requestId,
    correlationId: "",
    caller,
    principal,
    credential: undefined,
    deadline,
    queueMs: 0,
  };
  return { values: createContextValues().set(callKey, call) } as HandlerContext;
}
