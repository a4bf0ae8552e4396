import type { Bounds, ColumnStore, Group, QueryPlan, Selection, Value } from "../store/port.js";
import type { Aggregation } from "../store/terms.js";

/** A question to the store whose answer has names. */
export interface Question<N extends string> {
  readonly selection: Selection;
  /** By name of the column. */
  readonly aggregates: Readonly<Record<N, Aggregation>>;
  readonly groups?: readonly Group[];
  readonly orders?: QueryPlan["orders"];
  /** Most rows; as many as there may be groups by default. */
  readonly limit?: number;
}

/** A row by names of columns: the groups' and the aggregates'. */
export type Row<N extends string> = Readonly<Record<N, number | null>> & Readonly<Record<string, Value>>;

/** Asks a store. */
export interface Ask {
  rows<N extends string>(question: Question<N>, signal?: AbortSignal): Promise<Row<N>[]>;
  /** The one row of a question without groups. */
  row<N extends string>(question: Omit<Question<N>, "groups">, signal?: AbortSignal): Promise<Row<N>>;
}

/** Asks the store within the bounds. */
export function createAsk(store: Pick<ColumnStore, "query">, bounds: Bounds): Ask {
  const rows = async <N extends string>(question: Question<N>, signal?: AbortSignal): Promise<Row<N>[]> => {
    const { selection, aggregates, groups = [], orders = [], limit = bounds.groups } = question;
    const computed = Object.entries<Aggregation>(aggregates);
    const plan: QueryPlan = {
      selection,
      groups,
      aggregates: computed.map(([name, one]) => ({ ...one, name })),
      orders,
      offset: 0,
      limit,
    };
    const names = [...groups.map(({ name }) => name), ...computed.map(([name]) => name)];
    const found = await store.query(plan, bounds, signal);
    return found.map(
      (values) => Object.fromEntries(names.map((name, i) => [name, values[i] ?? null])) as Row<N>,
    );
  };
  return {
    rows,
    async row(question, signal) {
      const [only] = await rows(question, signal);
      if (!only) throw new Error("a query without groups has no row");
      return only;
    },
  };
}
