import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonWriteOptions,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import {
  isExtended,
  isImplicit,
  isRequired,
  isSet,
  isUnwrapped,
  type MessagePlan,
  type Plan,
  planMessage,
  planOf,
  property,
} from "./plan.js";
import { attempt, decline } from "./runtime/decline.js";
import * as show from "./runtime/json-show.js";
import * as time from "./runtime/time.js";
import * as wellKnown from "./runtime/well-known.js";
import { isLongText, isNotZero, scalar, typeName } from "./scalars.js";
import { createSource, literal, type Source } from "./source.js";

/** Options of compiled code that writes JSON. */
export interface JsonWriterOptions {
  readonly registry: JsonWriteOptions["registry"];
  /** Whether fields go by their names in the contract, or in lowerCamelCase. */
  readonly useProtoFieldName: boolean;
  /** Whether fields without presence are written when they are zero. */
  readonly alwaysEmitImplicit: boolean;
}

/**
 * Compiles writing a message as JSON text, or with `field` the value of that
 * field, null when it is not set. The result is undefined for what protobuf-es has to decide.
 */
export function compileMessageToJson(
  desc: DescMessage,
  options: JsonWriterOptions,
  field?: DescField,
): ((message: Message) => string | undefined) | undefined {
  const plan = planMessage(desc);
  const root = planOf(plan, desc);
  if (root.shape === "foreign") return undefined;
  // Without its required fields, no message is written, not even in part.
  if (field && (root.shape !== "fields" || root.fields.some(isRequired))) return undefined;
  const source = createSource({ decline, ...show, ...time, ...wellKnown });
  const compiler = { plan, source, options };
  for (const message of plan.values()) if (message.shape === "fields") source.add(writer(message, compiler));
  const run = source.build<(message: Message) => string>(
    field
      ? `(m) => ${isShown(field, root, options) ?? "true"} ? ${showField(field, compiler)} : "null"`
      : `(m) => ${showMessage("m", root, false, compiler)}`,
  );
  return (message) => attempt(run, message);
}

interface Compiler {
  readonly plan: Plan;
  readonly source: Source;
  readonly options: JsonWriterOptions;
}

function writer(message: MessagePlan, compiler: Compiler): string {
  const { desc, fields, id } = message;
  // Whether a member precedes is known once one is always written.
  let certain = false;
  const members = fields.map((field) => {
    const condition = isShown(field, message, compiler.options);
    const name = `${literal(compiler.options.useProtoFieldName ? field.name : field.jsonName)}:`;
    const key = certain ? literal(`,${name}`) : `(o === "{" ? ${literal(name)} : ${literal(`,${name}`)})`;
    certain ||= condition === undefined;
    const member = `o += ${key} + ${showField(field, compiler)};`;
    const otherwise = isRequired(field) ? " else decline();" : "";
    return condition === undefined ? member : `if (${condition}) { ${member} }${otherwise}`;
  });
  const extended = isExtended(desc, compiler.options.registry)
    ? "if (m.$unknown?.length > 0) decline();"
    : "";
  return `function show${id}(m) {
if (m.$typeName !== ${typeName(desc)}) decline();
${extended}
let o = "{";
${members.join("\n")}
return o + "}";
}`;
}

/** Whether a field is written, as an expression; undefined when it always is. */
function isShown(field: DescField, { empty }: MessagePlan, options: JsonWriterOptions): string | undefined {
  if (!isImplicit(field)) return isSet("m", field, empty);
  if (options.alwaysEmitImplicit) return undefined;
  const value = property("m", field);
  if (field.fieldKind === "list") return `${value}.length > 0`;
  return field.fieldKind === "map" ? `Object.keys(${value}).length > 0` : isNotZero(value, field);
}

function showField(field: DescField, compiler: Compiler): string {
  const value = field.oneof ? `${property("m", field.oneof)}.value` : property("m", field);
  if (field.fieldKind === "list") {
    return `listText(${value}, (v) => ${showItem("v", field, compiler)})`;
  }
  if (field.fieldKind === "map") {
    return `mapText(${value}, ${showKey(field.mapKey)}, (v) => ${showItem("v", field, compiler)})`;
  }
  return showItem(value, field, compiler);
}

function showKey(type: ScalarType): string {
  if (type === ScalarType.STRING) return "showStringKey";
  return type === ScalarType.BOOL ? "showBoolKey" : "showIntegerKey";
}

function showItem(value: string, field: DescField, compiler: Compiler): string {
  if (!field.message) return showScalar(value, field, compiler.source);
  return showMessage(
    value,
    planOf(compiler.plan, field.message),
    isUnwrapped(field, compiler.plan),
    compiler,
  );
}

function showScalar(value: string, field: DescField, source: Source): string {
  if (field.enum?.typeName === nullValue) return `showNull(${value})`;
  if (field.enum) return `showEnum(${value}, ${source.bind(enumTexts(field.enum))})`;
  if (isLongText(field)) return `showLongText(${value})`;
  return field.scalar ? `${scalar(field.scalar).show}(${value})` : "decline()";
}

function showMessage(value: string, message: MessagePlan, unwrapped: boolean, compiler: Compiler): string {
  const { id, desc, shape, fields } = message;
  switch (shape) {
    case "fields":
      return `show${id}(${value})`;
    case "wrapper":
      return fields[0]
        ? showScalar(unwrapped ? value : `${value}.value`, fields[0], compiler.source)
        : "decline()";
    case "timestamp":
      return `'"' + timestampText(${value}) + '"'`;
    case "duration":
      return `'"' + durationText(${value}) + '"'`;
    case "struct":
      return unwrapped ? `showObject(${value})` : `showStruct(${value})`;
    case "value":
      return `showValue(${value})`;
    case "list":
      return `showList(${value})`;
    case "foreign":
      return `showForeign(${value}, ${compiler.source.bind(desc)}, ${compiler.source.bind(compiler.options)})`;
  }
}

const texts = new WeakMap<DescEnum, ReadonlyMap<number, string>>();

/** The enum whose every value is null in JSON. */
export const nullValue = "google.protobuf.NullValue";

/** JSON texts of an enum's values. */
export function enumTexts(desc: DescEnum): ReadonlyMap<number, string> {
  const found = texts.get(desc);
  if (found) return found;
  const made = new Map(Object.values(desc.value).map(({ number, name }) => [number, literal(name)] as const));
  texts.set(desc, made);
  return made;
}
