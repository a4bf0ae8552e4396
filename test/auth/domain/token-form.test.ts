import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { expect, it } from "vitest";
import { HttpBodySchema } from "#gen/ts/google/api/httpbody_pb.js";
import { readTokenForm } from "../../../services/auth/domain/token-form.js";

const contentType = "application/x-www-form-urlencoded";
const formOf = (data: Uint8Array) => create(HttpBodySchema, { contentType, data });

it("reads any client that a form can name", () => {
  const text = fc.string({ minLength: 1, maxLength: 100, unit: "grapheme" });
  fc.assert(
    fc.property(text, text, (clientId, clientSecret) => {
      const fields = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
      const form = formOf(Buffer.from(new URLSearchParams(fields).toString()));
      expect(readTokenForm(form)).toEqual({ clientId, clientSecret, scopes: [] });
    }),
  );
});

it("reads any bytes, or refuses them with an error of the catalogue", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
      try {
        readTokenForm(formOf(data));
      } catch (error) {
        expect(error).toBeInstanceOf(ConnectError);
      }
    }),
  );
});
