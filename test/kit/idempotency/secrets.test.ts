import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Kysely } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { systemClock } from "../../../services/kit/clock.js";
import { dataClassOf } from "../../../services/kit/contract/data-class.js";
import { methodName, resolveContract } from "../../../services/kit/contract/method.js";
import { mayHaveSecrets } from "../../../services/kit/contract/without-secrets.js";
import { idempotent } from "../../../services/kit/idempotency/idempotent.js";
import { keyUse } from "../../../services/kit/idempotency/key.js";
import { reserved } from "../../../services/kit/idempotency/reserved.js";
import { newId } from "../../../services/kit/ids.js";
import type { OutboxTables } from "../../../services/kit/outbox.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../../support/database.js";
import { everyService } from "../../support/every-service.js";
import { type EffectTables, effectSchema } from "../events/events.js";

const secret = "what nobody may keep";
const plain = "what may be kept";
const { methods } = resolveContract(everyService);
const kept = [...methods.values()].filter(({ method, access }) => keyUse(method, access.kind) === "kept");
const answering = kept.filter(({ method }) => mayHaveSecrets(method.output));

/** A message with all texts set, in lists and messages too, to `secret` where the contract says so. */
function filled(schema: DescMessage) {
  const message = create(schema);
  fill(reflect(schema, message), new Set());
  return message;
}

function fill(message: ReflectMessage, within: ReadonlySet<DescMessage>): void {
  const inside = new Set([...within, message.desc]);
  for (const field of message.desc.fields) {
    const text = dataClassOf(field) === DataClass.RESTRICTED ? secret : plain;
    if (field.fieldKind === "scalar" && isText(field)) message.set(field, text);
    if (field.fieldKind === "list" && field.listKind === "scalar" && isText(field)) {
      message.get(field).add(text);
    }
    if (field.fieldKind === "message" && isOurs(field.message) && !inside.has(field.message)) {
      const inner = reflect(field.message);
      fill(inner, inside);
      message.set(field, inner);
    }
    if (field.fieldKind === "list" && field.listKind === "message" && isOurs(field.message)) {
      if (inside.has(field.message)) continue;
      const inner = reflect(field.message);
      fill(inner, inside);
      message.get(field).add(inner);
    }
  }
}

const textIn = (message: unknown) =>
  JSON.stringify(message, (_, value) => (typeof value === "bigint" ? String(value) : value));
const isText = ({ scalar }: DescField) => scalar === ScalarType.STRING;
const isOurs = ({ typeName }: DescMessage) => typeName.startsWith("consciousness.");

describe("what is kept for an idempotency key", () => {
  let database: Database;
  let db: Kysely<EffectTables & OutboxTables>;
  beforeAll(async () => {
    database = await emptyDatabase();
    db = await effectSchema(database, "secrets");
  });
  afterAll(() => database.end());

  const callOf = (method: DescMethod, key: string) => ({
    principal: { tenant: "t1", subject: "u1" },
    method: methodName(method),
    key,
    request: { schema: method.input, message: create(method.input) },
    clock: systemClock,
  });
  const keptOf = async (key: string, schema: DescMessage) => {
    const rows = db
      .selectFrom("idempotency_keys" as never)
      .selectAll()
      .where("key" as never, "=", key as never);
    const { response } = (await rows.executeTakeFirstOrThrow()) as { response: Uint8Array };
    return { response: Buffer.from(response).toString(), message: fromBinary(schema, response) };
  };

  it("are answers of these methods with secrets, which the first answer alone has", () => {
    expect(answering.map(({ method }) => `${method.parent.name}/${method.name}`).sort()).toEqual([
      "AccountsService/ConfirmSecondFactor",
      "AccountsService/CreateInvitation",
      "ApiKeysService/CreateApiKey",
      "ExportsService/CreateExport",
      "ServiceAccountsService/CreateServiceAccount",
      "ServiceAccountsService/RotateSecret",
    ]);
  });

  it.each(kept.map(({ name, method }) => [name, method] as const))(
    "has no secret of %s",
    async (_, method) => {
      const key = newId();
      const answer = filled(method.output);
      const make = () =>
        idempotent(db, { ...callOf(method, key), response: method.output }, async () => answer);
      const first = await make();
      expect(first).toEqual({ message: answer, replayed: false });
      expect(textIn(first.message).includes(secret)).toBe(mayHaveSecrets(method.output));
      const { response, message } = await keptOf(key, method.output);
      expect(response).not.toContain(secret);
      expect(response.includes(plain)).toBe(textIn(answer).includes(plain));
      expect(await make()).toEqual({ message, replayed: true });
    },
  );

  it.each(answering.map(({ name, method }) => [name, method] as const))(
    "has no secret of %s where the key is reserved first",
    async (_, method) => {
      const key = newId();
      await reserved(
        db,
        { ...callOf(method, key), kept: method.output, holdMs: 60_000 },
        {
          make: (keep) => db.transaction().execute((trx) => keep(trx, filled(method.output))),
          recall: () => expect.unreachable(),
        },
      );
      expect((await keptOf(key, method.output)).response).not.toContain(secret);
    },
  );
});
