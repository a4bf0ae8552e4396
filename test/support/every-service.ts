import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DescService } from "@bufbuild/protobuf";

const folder = fileURLToPath(new URL("../../gen/ts/consciousness/", import.meta.url));

/** Every service of the contract, as generated. */
export const everyService: readonly DescService[] = (
  await Promise.all(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith("_service_pb.ts"))
      .sort()
      .map(async (file) => Object.values(await import(/* @vite-ignore */ join(folder, file)))),
  )
)
  .flat()
  .filter(isService);

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}
