import type { DescEnum, DescExtension, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import {
  Edition,
  FeatureSet_FieldPresence,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
} from "@bufbuild/protobuf/wkt";

const scalarNames: Partial<Record<FieldDescriptorProto_Type, string>> = {
  [FieldDescriptorProto_Type.DOUBLE]: "double",
  [FieldDescriptorProto_Type.FLOAT]: "float",
  [FieldDescriptorProto_Type.INT64]: "int64",
  [FieldDescriptorProto_Type.UINT64]: "uint64",
  [FieldDescriptorProto_Type.INT32]: "int32",
  [FieldDescriptorProto_Type.FIXED64]: "fixed64",
  [FieldDescriptorProto_Type.FIXED32]: "fixed32",
  [FieldDescriptorProto_Type.BOOL]: "bool",
  [FieldDescriptorProto_Type.STRING]: "string",
  [FieldDescriptorProto_Type.BYTES]: "bytes",
  [FieldDescriptorProto_Type.UINT32]: "uint32",
  [FieldDescriptorProto_Type.SFIXED32]: "sfixed32",
  [FieldDescriptorProto_Type.SFIXED64]: "sfixed64",
  [FieldDescriptorProto_Type.SINT32]: "sint32",
  [FieldDescriptorProto_Type.SINT64]: "sint64",
};

/**
 * Prints a proto2 file from its descriptor: types, numbers and extensions,
 * without options and comments. Enough to compile against the types; a file
 * that needs more (groups, editions) is refused.
 */
export function printProto(file: DescFile): string {
  if (file.edition !== Edition.EDITION_PROTO2) {
    throw new Error(`${file.proto.name} is not proto2, which alone is printed`);
  }
  return `${[
    'syntax = "proto2";',
    `package ${file.proto.package};`,
    ...file.dependencies.map((dependency) => `import "${dependency.proto.name}";`),
    ...file.extensions.map(printExtension),
    ...file.enums.map(printEnum),
    ...file.messages.map(printMessage),
  ].join("\n\n")}\n`;
}

function printMessage(message: DescMessage): string {
  const oneofs = message.oneofs.map(
    (oneof) => `oneof ${oneof.name} {\n${oneof.fields.map((field) => printField(field, "")).join("\n")}\n}`,
  );
  const plain = message.fields.filter((field) => !field.oneof).map((field) => printField(field));
  const ranges = message.proto.extensionRange.map(
    (range) => `extensions ${range.start} to ${rangeEnd(range.end)};`,
  );
  const reserved = message.proto.reservedRange.map((range) => `reserved ${range.start} to ${range.end - 1};`);
  const reservedNames = message.proto.reservedName.map((name) => `reserved "${name}";`);
  const body = [
    ...message.nestedEnums.map(printEnum),
    ...message.nestedMessages.map(printMessage),
    ...oneofs,
    ...plain,
    ...ranges,
    ...reserved,
    ...reservedNames,
  ];
  return `message ${message.name} {\n${body.join("\n")}\n}`;
}

function rangeEnd(end = 0): string {
  return end >= 2 ** 29 ? "max" : String(end - 1);
}

function printEnum(type: DescEnum): string {
  return `enum ${type.name} {\n${type.values.map((value) => `${value.name} = ${value.number};`).join("\n")}\n}`;
}

function printExtension(extension: DescExtension): string {
  return `extend .${extension.extendee.typeName} {\n${printField(extension)}\n}`;
}

function printField(field: DescField | DescExtension, label = printLabel(field)): string {
  const prefix = label === "" || field.fieldKind === "map" ? "" : `${label} `;
  return `${prefix}${printType(field)} ${field.name} = ${field.number};`;
}

function printLabel(field: DescField | DescExtension): string {
  if (field.proto.label === FieldDescriptorProto_Label.REPEATED) return "repeated";
  return field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED ? "required" : "optional";
}

function printType(field: DescField | DescExtension): string {
  if (field.fieldKind === "map") {
    const value = field.message?.typeName ?? field.enum?.typeName;
    const scalar = field.scalar && scalarNames[field.scalar as unknown as FieldDescriptorProto_Type];
    const key = scalarNames[field.mapKey as unknown as FieldDescriptorProto_Type];
    return `map<${key}, ${value ? `.${value}` : scalar}>`;
  }
  const scalar = scalarNames[field.proto.type];
  if (scalar) return scalar;
  if (!field.proto.typeName) throw new Error(`${field.name} has a type that is not printed`);
  return field.proto.typeName;
}
