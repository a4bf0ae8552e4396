import { create, type DescMessage, hasOption, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator, type Violation } from "@bufbuild/protovalidate";
import {
  field as fieldRules,
  message as messageRules,
  oneof as oneofRules,
} from "#gen/ts/buf/validate/validate_pb.js";
import type { MethodContract } from "../contract/method.js";
import { errors, validationFailed } from "../errors.js";
import type { Layer } from "./chain.js";
import type { Request } from "./next.js";

// It keeps the rules that it compiled, so that what boot compiles, calls find.
const shared = createValidator();

/** Refuses requests that break the contract's rules, naming each field. */
export function validate(validator: Validator = shared): Layer {
  return ({ method }) => {
    if (!hasRules(method.input)) return undefined;
    const check = (message: Message) => {
      const result = validator.validate(method.input, message);
      if (result.kind === "invalid") throw validationFailed(result.violations.map(describe));
      // A rule that fails to run is our fault, not the caller's.
      if (result.kind === "error") throw errors.internal(result.error);
    };
    if (method.methodKind === "unary") return { begin: ({ message }) => check(message as Message) };
    return (next) => (request) =>
      next({ ...request, message: checked(request.message as AsyncIterable<Message>, check) } as Request);
  };
}

/** Whether anything in a message may break a rule. */
function hasRules(message: DescMessage): boolean {
  const messages = new Set<DescMessage>();
  collect(message, messages);
  return [...messages].some(
    (one) =>
      hasOption(one, messageRules) ||
      one.oneofs.some((oneof) => hasOption(oneof, oneofRules)) ||
      one.fields.some((field) => hasOption(field, fieldRules)),
  );
}

/** Compiles the rules of every request; returns what does not compile. */
export function uncompilableRules(
  methods: Iterable<MethodContract>,
  validator: Validator = shared,
): string[] {
  const messages = new Set<DescMessage>();
  for (const { method } of methods) collect(method.input, messages);
  return [...messages].flatMap((message) => {
    const result = validator.validate(message, create(message));
    return result.kind === "error" ? [`${message.typeName}: ${result.error.message}`] : [];
  });
}

function collect(message: DescMessage, into: Set<DescMessage>): void {
  if (into.has(message)) return;
  into.add(message);
  for (const field of message.fields) if (field.message) collect(field.message, into);
}

async function* checked(messages: AsyncIterable<Message>, check: (message: Message) => void) {
  for await (const message of messages) {
    check(message);
    yield message;
  }
}

function describe(violation: Violation): { field: string; description: string } {
  return { field: pathToString(violation.field), description: violation.message };
}
