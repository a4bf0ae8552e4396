import type { Selection } from "../port.js";
import type { Dialect, Source, Statement } from "./dialect.js";
import { parametersOf } from "./parameters.js";
import { selectionSql } from "./selection.js";

export interface DecisionsOptions {
  readonly selection: Selection;
  readonly dialect: Dialect;
  readonly source: Source;
}

/** A statement whose one value is how many decisions are selected. */
export function compileCount({ selection, dialect, source }: DecisionsOptions): Statement {
  const { bind, parameters } = parametersOf(dialect);
  const sql = `select count(*) from ${source.decisions} as d
  where ${selectionSql(selection, { dialect, source, bind })}`;
  return { sql, parameters };
}

/** The last decision that was read. */
export interface Cursor {
  readonly time: Date;
  readonly decisionId: string;
  readonly tenantId: string;
}

export interface PageOptions extends DecisionsOptions {
  /** Expressions over a decision `d`. */
  readonly columns: string;
  readonly after: Cursor | undefined;
  readonly limit: number;
}

/** A statement that reads the next decisions in order of time, id and tenant. */
export function compilePage({ selection, dialect, source, columns, after, limit }: PageOptions): Statement {
  const { bind, parameters } = parametersOf(dialect);
  // A narrower selection lets engines skip what was read, as a disjunction does not.
  const rest = after ? { ...selection, from: after.time } : selection;
  const conditions = selectionSql(rest, { dialect, source, bind });
  const past = () => {
    if (!after) return "";
    const time = bind({ type: "time", value: after.time });
    const id = bind({ type: "text", value: after.decisionId });
    const tenant = bind({ type: "text", value: after.tenantId });
    return `
    and (d.time > ${time} or d.decision_id > ${id} or (d.decision_id = ${id} and d.tenant_id > ${tenant}))`;
  };
  const sql = `select ${columns}
  from ${source.decisions} as d
  where ${conditions}${past()}
  order by d.time, d.decision_id, d.tenant_id
  limit ${bind({ type: "integer", value: limit })}`;
  return { sql, parameters };
}
