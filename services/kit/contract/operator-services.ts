import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { AuditClass, RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { Health } from "#gen/ts/grpc/health/v1/health_pb.js";
import { ServerReflection } from "#gen/ts/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "#gen/ts/grpc/reflection/v1alpha/reflection_pb.js";
import { type MethodContract, methodName } from "./method.js";

/** Services of gRPC itself, which every process serves to anybody who reaches its port. */
export const operatorServices: readonly DescService[] = [Health, ServerReflection, ServerReflectionAlpha];

/** Policies for services whose contracts are not ours to annotate. */
export function operatorMethods(): Map<DescMethod, MethodContract> {
  const methods = operatorServices.flatMap((service) => service.methods);
  return new Map(methods.map((method) => [method, operatorMethod(method)]));
}

function operatorMethod(method: DescMethod): MethodContract {
  return {
    method,
    name: methodName(method),
    workload: undefined,
    access: { kind: "public" },
    callers: new Set([Workload.GATEWAY]),
    deadlineMs: method.methodKind === "unary" ? 5000 : undefined,
    rate: RateClass.UNSPECIFIED,
    audit: AuditClass.UNSPECIFIED,
    idempotent: true,
    noSideEffects: true,
    ignoreUnknownFields: false,
    forwarded: false,
  };
}
