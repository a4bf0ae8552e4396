import type { Reply } from "./clients.js";

/** What a client was told of its write. Unknown: the connection was lost, or the answer does not tell. */
export type Told = "acknowledged" | "refused" | "unknown";

/** A write as its client saw it. */
export type Write =
  | { readonly kind: "create"; readonly told: Told; readonly name: string; readonly id: string | undefined }
  | { readonly kind: "update"; readonly told: Told; readonly id: string; readonly description: string }
  | { readonly kind: "delete"; readonly told: Told; readonly id: string }
  | { readonly kind: "decide"; readonly told: Told; readonly id: string | undefined }
  | { readonly kind: "sign-in"; readonly told: Told; readonly id: string | undefined };

/** Everything that clients were told. */
export interface Ledger {
  readonly writes: readonly Write[];
  add(write: Write): void;
  count(told: Told): number;
}

export function createLedger(): Ledger {
  const writes: Write[] = [];
  return {
    writes,
    add: (write) => void writes.push(write),
    count: (told) => writes.filter((write) => write.told === told).length,
  };
}

/** What an answer tells of a write: what was refused for the caller's own fault has had no effect. */
export function told(reply: Reply): Told {
  if (!reply) return "unknown";
  if (reply.status < 300) return "acknowledged";
  return reply.status < 500 && ![408, 499].includes(reply.status) ? "refused" : "unknown";
}
