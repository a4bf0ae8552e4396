import { createLog } from "../../kit/log.js";
import { genericArguments } from "./arguments.js";
import { startGeneric } from "./gateway.js";

const drainMs = 10_000;

/** Runs `gateway --descriptors … --upstream …`; `progress` is told of each step. Throws UsageError. */
export async function runGeneric(
  args: readonly string[],
  progress: (step: string) => void,
): Promise<{ stop(): Promise<void> }> {
  const parsed = genericArguments(args);
  const log = createLog({ service: "gateway", level: "info" });
  const gateway = await startGeneric(parsed, { log });
  progress(`${gateway.routes} routes of ${parsed.upstream} at http://${parsed.host}:${gateway.port}`);
  return {
    async stop() {
      await gateway.stop(drainMs);
      await log.flush();
      log.close();
    },
  };
}
