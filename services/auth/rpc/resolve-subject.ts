import type { ServiceImpl } from "@connectrpc/connect";
import type { SubjectsService } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import type { SubjectStore } from "../store/subjects.js";

/** Handles ResolveSubject. */
export function resolveSubject({
  subjects,
}: {
  subjects: SubjectStore;
}): ServiceImpl<typeof SubjectsService>["resolveSubject"] {
  return async ({ subject }, context) => {
    const kind = await subjects.kindOf(principalOf(context), subject);
    if (kind === undefined) throw errors.subjectNotFound({ subject });
    return { kind };
  };
}
