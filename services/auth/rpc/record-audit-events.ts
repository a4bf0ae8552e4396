import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AuditEvent,
  AuditEventSchema,
  type AuditService,
  type RecordedAuditEvent,
} from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { callOf } from "../../kit/context.js";
import { workloadName } from "../../kit/contract/workloads.js";
import type { AuditedAccount, NamedAccount } from "../domain/audited-account.js";
import type { AuditStore, RecordedEvent } from "../store/audit-events.js";

/** What RecordAuditEvents needs. */
export interface RecordAuditEventsOptions {
  readonly store: AuditStore;
  /** What the record keeps of the names of accounts. */
  readonly accounts: (names: NamedAccount) => Promise<AuditedAccount>;
  /** Id of the tenant of a user; undefined for none. */
  readonly tenantOfUser: (id: string) => Promise<string | undefined>;
}

/** Handles RecordAuditEvents. Which workload tells of an event is what the caller has proved. */
export function recordAuditEvents({
  store,
  accounts,
  tenantOfUser,
}: RecordAuditEventsOptions): ServiceImpl<typeof AuditService>["recordAuditEvents"] {
  const resolve = async (recorded: RecordedAuditEvent, workload: string): Promise<RecordedEvent> => {
    const { event = create(AuditEventSchema), accountName, tenantName, accountId } = recorded;
    const facts = { ...event, workload };
    if (accountId !== "") return { event: facts, tenants: new Set([(await tenantOfUser(accountId)) ?? ""]) };
    if (accountName === "" && tenantName === "") return { event: facts, tenants: tenantsOf(event) };
    const { target, tenant } = await accounts({ account: accountName, tenant: tenantName });
    const tenants = event.actor?.tenantId ? tenantsOf(event) : new Set([tenant]);
    return { event: accountName === "" ? facts : { ...facts, target }, tenants };
  };
  return async ({ events }, context) => {
    const workload = workloadName(callOf(context).caller);
    await store.add(await Promise.all(events.map((event) => resolve(event, workload))));
    return {};
  };
}

/** Of whoever acts in another tenant than its own, both keep a record. */
function tenantsOf({ actor }: AuditEvent): Set<string> {
  const tenant = actor?.tenantId ?? "";
  return new Set([tenant, actor?.homeTenantId || tenant]);
}
