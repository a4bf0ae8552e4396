import {
  create,
  createFileRegistry,
  type DescService,
  type MessageInitShape,
  setExtension,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  type MethodOptions_IdempotencyLevel,
  MethodOptionsSchema,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { type FieldRules, field as fieldRules } from "#gen/ts/buf/validate/validate_pb.js";
import {
  DataClass,
  data as dataOption,
  MethodPolicySchema,
  method as methodOption,
  ServicePolicySchema,
  service as serviceOption,
} from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { http } from "#gen/ts/google/api/annotations_pb.js";
import { HttpRuleSchema } from "#gen/ts/google/api/http_pb.js";

export interface OddMethod {
  readonly policy?: MessageInitShape<typeof MethodPolicySchema>;
  /** Path of a GET. */
  readonly path?: string;
  readonly idempotency?: MethodOptions_IdempotencyLevel;
  readonly streams?: boolean;
}

export interface OddService {
  readonly policy?: MessageInitShape<typeof ServicePolicySchema>;
  readonly methods: Readonly<Record<string, OddMethod>>;
  /** Rules of `text`, the one field of every request. */
  readonly rules?: FieldRules;
}

/** A service that no contract of ours would have: `odd.v1.OddService`, each method taking and giving `Odd`. */
export function oddService({ policy, methods, rules }: OddService): DescService {
  const fieldOptions = create(FieldOptionsSchema);
  if (rules) setExtension(fieldOptions, fieldRules, rules);
  const secret = create(FieldOptionsSchema);
  setExtension(secret, dataOption, DataClass.RESTRICTED);
  const serviceOptions = create(ServiceOptionsSchema);
  if (policy) setExtension(serviceOptions, serviceOption, create(ServicePolicySchema, policy));
  const { STRING, MESSAGE } = FieldDescriptorProto_Type;
  const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;
  const file = create(FileDescriptorProtoSchema, {
    name: "odd/v1/odd.proto",
    package: "odd.v1",
    syntax: "proto3",
    messageType: [
      {
        name: "Odd",
        field: [
          { name: "text", number: 1, type: STRING, label: OPTIONAL, options: fieldOptions },
          { name: "parts", number: 2, type: MESSAGE, typeName: ".odd.v1.Odd", label: REPEATED },
          { name: "part", number: 3, type: MESSAGE, typeName: ".odd.v1.Odd", label: OPTIONAL },
          { name: "secret", number: 4, type: STRING, label: OPTIONAL, options: secret },
        ],
      },
    ],
    service: [
      {
        name: "OddService",
        options: serviceOptions,
        method: Object.entries(methods).map(([name, method]) => ({
          name,
          inputType: ".odd.v1.Odd",
          outputType: ".odd.v1.Odd",
          serverStreaming: method.streams ?? false,
          options: methodOptions(method),
        })),
      },
    ],
  });
  const service = createFileRegistry(file, () => undefined).getService("odd.v1.OddService");
  if (!service) throw new Error("the file has no service");
  return service;
}

function methodOptions({ policy, path, idempotency }: OddMethod) {
  const options = create(
    MethodOptionsSchema,
    idempotency === undefined ? {} : { idempotencyLevel: idempotency },
  );
  if (policy) setExtension(options, methodOption, create(MethodPolicySchema, policy));
  if (path) {
    setExtension(options, http, create(HttpRuleSchema, { pattern: { case: "get", value: path } }));
  }
  return options;
}
