import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";

/** Code, reason and parameters of an error of the catalogue. */
export interface Thrown {
  readonly code: string;
  readonly reason: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What `action` throws; fails when it throws nothing or something foreign. */
export function thrownBy(action: () => unknown): Thrown {
  try {
    action();
  } catch (error) {
    return describeError(error);
  }
  throw new Error("nothing was thrown");
}

/** What `promise` rejects with; fails when it resolves or rejects with something foreign. */
export async function rejectedBy(promise: Promise<unknown>): Promise<Thrown> {
  const error = await promise.then(
    () => new Error("nothing was rejected"),
    (reason: unknown) => reason,
  );
  return describeError(error);
}

function describeError(error: unknown): Thrown {
  if (!(error instanceof ConnectError)) throw error;
  const info = error.findDetails(ErrorInfoSchema)[0];
  return { code: Code[error.code], reason: info?.reason, metadata: info?.metadata ?? {} };
}
