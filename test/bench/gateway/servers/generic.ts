import { startGeneric } from "../../../../services/gateway/generic/gateway.js";
import { createLog } from "../../../../services/kit/log.js";
import { imagePath } from "../contract/review.js";

/** Our gateway before somebody else's gRPC server. */
export async function serveGeneric(upstream: string): Promise<number> {
  const gateway = await startGeneric(
    {
      upstream: `http://127.0.0.1:${upstream}`,
      protocol: "grpc",
      descriptors: { from: "file", path: imagePath },
      host: "127.0.0.1",
      port: 0,
    },
    // The peers before an upstream keep no access log either.
    { log: createLog({ service: "gateway", level: "warn" }) },
  );
  return gateway.port;
}
