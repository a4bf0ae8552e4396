import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  create,
  createFileRegistry,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type Message,
  setExtension,
} from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  FieldOptionsSchema,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import {
  DoubleRulesSchema,
  FieldRulesSchema,
  field as fieldRules,
  MapRulesSchema,
  StringRulesSchema,
} from "#gen/ts/buf/validate/validate_pb.js";
import {
  MethodPolicySchema,
  method as methodOption,
  RateClass,
  ServicePolicySchema,
  service as serviceOption,
} from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { packageRoot } from "../../../../services/kit/package-root.js";

/** The compiled contract, for contestants that read descriptors themselves. */
export const imagePath = join(packageRoot(), "test/bench/gateway/contract/review.binpb");

/** Path of the method over REST. */
export const restPath = "/v1/reviews";
/** Path of the method over Connect and gRPC. */
export const rpcPath = "/review.v1.ReviewService/Review";

/** What a client sends, as JSON. */
export const requestJson = {
  text: "Please review this plan for our pilot: we collect consent first, anonymise every record, share a summary with the board, and delete the raw data no later than thirty days after the study ended.",
  limits: { quality: 0.75, ethics: 0.5 },
  labels: { tenant: "acme", locale: "en-GB", trace: "4bf92f3577b34da6" },
};

const sentence = "The plan is sound in most parts. ".repeat(9);

/** What the method answers, built anew for each call. */
export function review(asked: number) {
  return {
    id: "review-0193a5c17a117c3e",
    answer: sentence,
    scores: { awareness: 0.71, load: 0.52, alignment: 0.93, valence: 0.14, asked },
    notes: ["consent-stated", "tone-checked"],
    duration: 1.25,
    weights: { coherence: 0.91, support: 0.87, latency: 1.25 },
  };
}

/** Answers a request of the contract. */
export function answer(request: Message) {
  const { limits } = request as Message & { readonly limits?: { readonly quality: number } };
  return review(limits?.quality ?? 0);
}

const service = "review.v1.ReviewService";

/** The contract as the peers serve it. */
export function plainService(): DescService {
  return found(createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(imagePath))));
}

/** The contract with a policy and rules, as a workload of the platform serves it. */
export function governedService(workload: Workload): DescService {
  const image = fromBinary(FileDescriptorSetSchema, readFileSync(imagePath));
  const file = image.file.find(({ name }) => name === "review.proto")!;
  const [described] = file.service;
  const [method] = described!.method;
  described!.options = create(ServiceOptionsSchema);
  setExtension(
    described!.options,
    serviceOption,
    create(ServicePolicySchema, { workload, callers: [Workload.GATEWAY], deadlineMs: 5000 }),
  );
  method!.options ??= create(MethodOptionsSchema);
  setExtension(
    method!.options,
    methodOption,
    create(MethodPolicySchema, {
      access: { case: "permission", value: Permission.AGENT_READ },
      rate: RateClass.READ,
    }),
  );
  const field = (message: string, name: string) =>
    file.messageType.find((one) => one.name === message)!.field.find((one) => one.name === name)!;
  rule(field("ReviewRequest", "text"), {
    case: "string",
    value: create(StringRulesSchema, { minLen: 1n, maxLen: 2000n }),
  });
  rule(field("ReviewRequest", "labels"), {
    case: "map",
    value: create(MapRulesSchema, { maxPairs: 16n }),
  });
  for (const name of ["quality", "ethics"]) {
    rule(field("Limits", name), {
      case: "double",
      value: create(DoubleRulesSchema, {
        greaterThan: { case: "gte", value: 0 },
        lessThan: { case: "lte", value: 1 },
      }),
    });
  }
  return found(createFileRegistry(image));
}

/** The contract's only method. */
export function methodOf({ methods }: DescService): DescMethodUnary {
  return methods[0] as DescMethodUnary;
}

function found(registry: { getService(name: string): DescService | undefined }): DescService {
  const described = registry.getService(service);
  if (!described) throw new Error(`the image has no ${service}`);
  return described;
}

type Rules = NonNullable<Parameters<typeof create<typeof FieldRulesSchema>>[1]>["type"];

function rule(field: FieldDescriptorProto, type: Rules): void {
  field.options ??= create(FieldOptionsSchema);
  setExtension(field.options, fieldRules, create(FieldRulesSchema, { type }));
}
