import { startGeneric } from "../../../../services/gateway/generic/gateway.js";
import { createLog } from "../../../../services/kit/log.js";
import type { Http2Client } from "../../../../services/kit/peers/wire-pool.js";
import { imagePath } from "../contract/review.js";

/** Our gateway before somebody else's gRPC server. */
export async function serveGeneric(upstream: string, http2Client: Http2Client): Promise<number> {
  const gateway = await startGeneric(
    {
      upstream: `http://127.0.0.1:${upstream}`,
      protocol: "grpc",
      http2Client,
      descriptors: { from: "file", path: imagePath },
      host: "127.0.0.1",
      port: 0,
    },
    // The peers before an upstream keep no access log either.
    { log: createLog({ service: "gateway", level: "warn" }) },
  );
  return gateway.port;
}
