import { hash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { ListRevocationsResponseSchema } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { permissionsOf } from "../../services/auth/domain/roles.js";
import { makeSigningKey, openSigningKey, toJwk } from "../../services/auth/domain/signing-keys.js";
import { createTokenIssuer } from "../../services/auth/domain/token-issuer.js";
import { systemClock } from "../../services/kit/clock.js";
import type { Principal } from "../../services/kit/context.js";
import { newId } from "../../services/kit/ids.js";
import { createRevocationFeed } from "../../services/kit/tokens/revocation-feed.js";
import {
  accessAudience,
  createTokenVerifier,
  defaultTokenIssuer,
  type SigningAlgorithm,
} from "../../services/kit/tokens.js";
import { median, type Row } from "./rows.js";

const rounds = 15;
const perRound = 20_000;
const sessions = 200;
const goalMicroseconds = 1;

/**
 * Processor time of verifying tokens that were verified before, with revocations followed: each
 * comes as a string of its own, as headers do, whose hash nobody knows yet. A
 * SHA-256 of the same token stands beside it.
 */
export async function verifying(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const algorithm of ["RS256", "ES256"] as const) rows.push(...(await verifyingOf(algorithm)));
  return rows;
}

async function verifyingOf(algorithm: SigningAlgorithm): Promise<Row[]> {
  const { verify, tokens } = await prepare(algorithm);
  const first = await once(tokens, verify);
  const cached: number[] = [];
  const digests: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    cached.push(await repeated(tokens, verify));
    digests.push(await repeated(tokens, digest));
  }
  const value = rounded(median(cached));
  const goal = `≤ ${goalMicroseconds} µs`;
  return [
    { measure: `a new token, ${algorithm}`, value: rounded(first), unit: "µs" },
    {
      measure: `a known token, ${algorithm}`,
      value,
      unit: "µs",
      ratio: median(digests) / median(cached),
      to: "a SHA-256 of it",
      goal,
      met: value <= goalMicroseconds,
    },
  ];
}

type Work = (token: string) => unknown;

const digest: Work = (token) => hash("sha256", token, "base64");

async function prepare(algorithm: SigningAlgorithm) {
  const clock = systemClock;
  const now = new Date(clock.now());
  const keyEncryptionKey = new Uint8Array(32);
  const stored = await makeSigningKey({ algorithm, keyEncryptionKey, createTime: now, signTime: now });
  const key = openSigningKey(stored, keyEncryptionKey);
  const issuer = defaultTokenIssuer;
  const { access } = createTokenIssuer({ key: () => key, issuer, clock, accessLifetime: 86_400 });
  const nothing = create(ListRevocationsResponseSchema, { nextSince: 1n });
  const { verify } = createTokenVerifier({
    keys: async () => [toJwk(stored)],
    issuer,
    kind: "access",
    audience: accessAudience,
    revocations: createRevocationFeed({ list: async () => nothing, clock }),
    clock,
  });
  const tokens = await Promise.all(Array.from({ length: sessions }, () => access(principal())));
  return { verify, tokens };
}

function principal(): Principal {
  const roles = [Role.USER];
  return {
    tenant: "default",
    home: "default",
    subject: newId(),
    kind: "user",
    username: "somebody",
    roles,
    permissions: new Set(permissionsOf(roles, new Map())),
    tier: Tier.BASIC,
    session: newId(),
    apiKey: "",
    epoch: 0,
  };
}

/** Microseconds of processor time for each token, which other work of the machine changes less than the clock's. */
async function once(tokens: readonly string[], work: Work): Promise<number> {
  const start = process.cpuUsage();
  for (const token of tokens) await work(token);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / tokens.length;
}

function repeated(tokens: readonly string[], work: Work): Promise<number> {
  const bytes = tokens.map((token) => Buffer.from(token));
  const copies = Array.from(
    { length: perRound },
    (_, at) => bytes[at % bytes.length]?.toString("latin1") ?? "",
  );
  return once(copies, work);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
