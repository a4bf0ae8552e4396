import { errors } from "../../kit/errors.js";

/** QUERY_INVALID for a field of the request, named as in its JSON form. */
export function invalid(field: string, problem: string) {
  return errors.queryInvalid({ field, problem });
}
