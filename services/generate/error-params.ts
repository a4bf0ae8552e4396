import { type FileRegistry, getOption, hasOption } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { Writer } from "./main.js";

const parameter = /\{([a-z][a-z0-9_]*)\}/g;

/** Writes the parameters of each error reason, taken from its message. */
export const writeErrorParams: Writer = (image) => {
  const lines = errorMessages(image).map(([reason, message]) => {
    const names = [...message.matchAll(parameter)].map((match) => match[1]);
    const fields = [...new Set(names)].map((name) => `${name}: string | number`);
    return `  ${reason}: ${fields.length === 0 ? "Record<never, never>" : `{ ${fields.join("; ")} }`};`;
  });
  const text = `// Generated from the messages in proto/consciousness/contract/v1/error_reason.proto. Do not edit.

/** Parameters of each error reason's message. */
export interface ErrorParams {
${lines.join("\n")}
}
`;
  return new Map([["gen/contract/errors.ts", text]]);
};

function errorMessages(image: FileRegistry): [reason: string, message: string][] {
  const reasons = image.getEnum("consciousness.contract.v1.ErrorReason");
  const spec = image.getExtension("consciousness.contract.v1.error");
  if (!reasons || !spec) throw new Error("the image has no error catalogue");
  return reasons.values
    .filter((value) => value.number !== 0)
    .map((value) => {
      if (!hasOption(value, spec)) throw new Error(`${value.name} has no (contract.v1.error)`);
      const message = reflect(spec.message!, getOption(value, spec) as never);
      return [value.localName, String(message.get(spec.message!.field.message!))];
    });
}
