import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { StatusSchema } from "#gen/ts/google/rpc/status_pb.js";
import { type Fields, fieldsOf } from "./fields.js";

const percent = 37;
const firstPlain = 32;
const lastPlain = 126;

/** The trailers of a call that went well, beside its own. */
export const okStatus: Fields = { "grpc-status": "0" };

/** The trailers of a call that failed: code, message, details, and the error's own metadata. */
export function statusOf(error: ConnectError): Fields {
  return {
    ...fieldsOf(error.metadata),
    "grpc-status": String(error.code),
    "grpc-message": percentEncode(error.rawMessage),
    ...(error.details.length > 0 && { "grpc-status-details-bin": detailsOf(error) }),
  };
}

function detailsOf({ code, rawMessage: message, details }: ConnectError): string {
  const packed = details.map((detail) =>
    "desc" in detail
      ? anyPack(detail.desc, create(detail.desc, detail.value))
      : { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value },
  );
  const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details: packed }));
  // Binary headers go without padding (gRPC over HTTP/2, "Requests").
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}

/** As gRPC encodes messages: bytes of UTF-8 outside printable ASCII, and the percent sign. */
export function percentEncode(text: string): string {
  let encoded = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const plain = byte >= firstPlain && byte <= lastPlain && byte !== percent;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
