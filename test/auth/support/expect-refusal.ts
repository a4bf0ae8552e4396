import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import { errorFacts, type Reason } from "../../../services/kit/errors.js";

/** Asserts that an attempt fails with this code and reason, and returns the error. */
export async function expectRefusal(
  attempt: Promise<unknown>,
  code: Code,
  reason: Reason,
): Promise<ConnectError> {
  const error = await attempt.then(
    () => expect.unreachable(`expected ${reason}`),
    (caught) => caught,
  );
  if (!(error instanceof ConnectError)) throw error;
  expect({ code: Code[error.code], reason: errorFacts(error)?.reason }).toEqual({ code: Code[code], reason });
  return error;
}
