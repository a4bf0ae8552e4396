import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type MethodContract, resolveContract } from "../../../services/kit/contract/method.js";

/**
 * Every method that somebody outside may call in their own name, from the
 * contract: all that the gateway forwards or serves, but for public ones and
 * those that each process serves about itself.
 */
export function methodsInOnesName(): MethodContract[] {
  return offered().filter(({ access, workload }) => access.kind !== "public" && workload !== undefined);
}

/** Every method that somebody outside may call without a name, but for those that each process serves about itself. */
export function publicMethods(): MethodContract[] {
  return offered().filter(({ access, workload }) => access.kind === "public" && workload !== undefined);
}

/** `AgentsService/GetAgent`. */
export function shortName({ method }: MethodContract): string {
  return `${method.parent.name}/${method.name}`;
}

function offered(): MethodContract[] {
  const image = fromBinary(FileDescriptorSetSchema, readFileSync("gen/contract/contract.binpb"));
  const services = [...createFileRegistry(image)].filter((desc) => desc.kind === "service");
  const ours = services.filter(({ typeName }) => typeName.startsWith("consciousness."));
  return [...resolveContract(ours).methods.values()].filter(({ forwarded }) => forwarded);
}
