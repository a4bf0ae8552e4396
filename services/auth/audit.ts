import { AuditService } from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { SubjectsService } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { type Implementation, implement } from "../kit/workload.js";
import { auditedAccounts, type FindAccount } from "./domain/audited-account.js";
import { keyedHash } from "./domain/keyed-hash.js";
import { listAuditEvents } from "./rpc/list-audit-events.js";
import { recordAuditEvents } from "./rpc/record-audit-events.js";
import { resolveSubject } from "./rpc/resolve-subject.js";
import type { AuthStore } from "./store.js";

/** What the audit record needs. */
export interface AuditOptions {
  readonly store: Pick<AuthStore, "audit" | "subjects" | "accounts">;
  readonly keyEncryptionKey: Uint8Array;
}

/** The audit record, and what tells other workloads of accounts. */
export function auditServices({ store, keyEncryptionKey }: AuditOptions): Implementation[] {
  const find: FindAccount = async ({ account, tenant: name }) => {
    const machine = await store.subjects.machine(account);
    if (machine) return machine;
    const tenant = name === "" ? undefined : await store.subjects.tenantOf(name);
    if (tenant === undefined) return undefined;
    return { tenant, id: (await store.accounts.byUsername(tenant, account))?.id };
  };
  const accounts = auditedAccounts(find, keyedHash(keyEncryptionKey, "audited account names"));
  return [
    implement(AuditService, {
      listAuditEvents: listAuditEvents({ store: store.audit }),
      recordAuditEvents: recordAuditEvents({
        store: store.audit,
        accounts,
        tenantOfUser: store.subjects.tenantOfUser,
      }),
    }),
    implement(SubjectsService, { resolveSubject: resolveSubject(store) }),
  ];
}
