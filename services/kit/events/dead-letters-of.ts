import type { Kysely } from "kysely";
import type { Bus } from "../stores/bus/port.js";
import type { DeadLetters } from "./dead-letters.js";
import { tableDeadLetters } from "./table-dead-letters.js";

/** Where a consumer's dead letters are kept: by the bus when it does so, else in the consumer's schema. */
export function deadLettersOf<Tables>(bus: Bus, schema: Kysely<Tables>): DeadLetters {
  return bus.deadLetters ?? tableDeadLetters(schema, bus);
}
