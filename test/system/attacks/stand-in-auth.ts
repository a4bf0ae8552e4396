import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type AuditEvent, AuditService } from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { PlansService } from "#gen/ts/consciousness/auth/v1/plans_service_pb.js";
import type { Jwk } from "../../../services/kit/tokens.js";

/** Stands in for auth, so that a test holds the keys that sign, and sees what is audited. */
export async function startStandInAuth(keys: readonly Jwk[]) {
  const events: AuditEvent[] = [];
  const server = createServer(
    connectNodeAdapter({
      routes: (router) =>
        router
          .service(AuthService, { getJwks: () => ({ keys: [...keys] }), listRevocations: () => ({}) })
          .service(PlansService, { getTenantPlan: () => ({}) })
          .service(AuditService, {
            recordAuditEvents(request) {
              for (const { event } of request.events) if (event) events.push(event);
              return {};
            },
          }),
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What was recorded so far. */
    events: events as readonly AuditEvent[],
    stop: () => void server.close(),
  };
}
