import { jwtVerify, SignJWT } from "jose";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "../clock.js";
import { type WorkloadName, workloadName, workloads } from "../contract/workloads.js";
import { newId } from "../ids.js";
import { refuseMalformed, tokenError, verified, verifyOptions } from "./checked-jwt.js";
import { rememberVerified } from "./verified-cache.js";

/** Header in which one workload proves to another which it is, where no mesh does. */
export const workloadTokenHeader = "x-workload-token";

const type = "workload+jwt";
const lifetimeSeconds = 60;
const minimumSecretBytes = 32;

/** Says which workload calls, on plain wires without a mesh. */
export interface WorkloadToken {
  /** A token of `caller` for `audience`, valid for 60 s and given out again for the first 30 of them. */
  issue(caller: Workload, audience: Workload): Promise<string>;
  /** The workload that made the token. Throws TOKEN_INVALID or TOKEN_EXPIRED. */
  verify(token: string, audience: Workload): Promise<Workload>;
}

interface Issued {
  readonly token: Promise<string>;
  readonly staleAt: number;
}

/** Workload tokens under a secret (32 bytes or more) that the deployment's workloads share; HS256. */
export function workloadToken({ secret, clock }: { secret: string; clock: Clock }): WorkloadToken {
  const key = new TextEncoder().encode(secret);
  if (key.length < minimumSecretBytes)
    throw new TypeError(`the workload secret has under ${minimumSecretBytes} bytes`);
  const issued = new Map<string, Issued>();
  const tokens = rememberVerified({ verify: (token) => checkWorkloadToken(token, key, clock), clock });

  return {
    issue(caller, audience) {
      const edge = `${caller} ${audience}`;
      const known = issued.get(edge);
      if (known && clock.now() < known.staleAt) return known.token;
      const token = sign(key, workloadName(caller), workloadName(audience), Math.floor(clock.now() / 1000));
      issued.set(edge, { token, staleAt: clock.now() + (lifetimeSeconds / 2) * 1000 });
      return token;
    },
    async verify(token, audience) {
      try {
        const edge = await tokens.verify(token);
        if (edge.audience === audience) return edge.caller;
      } catch (error) {
        throw tokenError(error);
      }
      throw tokenError(new Error("unexpected audience"));
    },
  };
}

function workloadOf(name: unknown): Workload | undefined {
  return workloads.get(name as WorkloadName);
}

function sign(key: Uint8Array, caller: string, audience: string, now: number): Promise<string> {
  return new SignJWT({ iss: caller, aud: audience, iat: now, exp: now + lifetimeSeconds, jti: newId() })
    .setProtectedHeader({ alg: "HS256", typ: type })
    .sign(key);
}

async function checkWorkloadToken(token: string, key: Uint8Array, clock: Clock) {
  refuseMalformed(token);
  const { payload } = await jwtVerify(token, key, verifyOptions(clock, { algorithms: ["HS256"], typ: type }));
  const caller = workloadOf(payload.iss);
  const audience = workloadOf(payload.aud);
  const edge = caller && audience ? { caller, audience } : undefined;
  return verified(payload, edge, clock);
}
