import type { Bench } from "./main.js";
import { refusing } from "./refused-sign-ins.js";
import { signingIn } from "./sign-ins.js";
import { verifying } from "./verified-tokens.js";

const parts = { verifying, signingIn, refusing };

/** What verifying tokens, signing in and being refused cost. Names of parts run these alone. */
export const bench: Bench = async (args) => {
  const wanted = Object.entries(parts).filter(([name]) => args.includes(name));
  const rows = [];
  for (const [, part] of wanted.length > 0 ? wanted : Object.entries(parts)) rows.push(...(await part()));
  return rows;
};
