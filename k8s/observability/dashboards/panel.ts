/** A query of a panel, and how its lines are called. */
export interface Query {
  readonly expr: string;
  /** Such as `{{job}}`. */
  readonly legend: string;
}

/** A graph, or a single number. */
export interface Panel {
  readonly title: string;
  /** What it shows, for whoever asks. */
  readonly about: string;
  readonly kind: "timeseries" | "stat";
  /** Unit as Grafana names it: `s`, `percentunit`, `ops`. */
  readonly unit: string;
  readonly queries: readonly Query[];
}

/** Panels under a heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A dashboard. */
export interface Dashboard {
  /** Its address in Grafana. */
  readonly uid: string;
  readonly title: string;
  /** The metric by whose labels `job` and `namespace` are offered. */
  readonly offeredBy: string;
  readonly rows: readonly Row[];
}

const columns = 24;
const size = { timeseries: { w: 8, h: 8 }, stat: { w: 4, h: 4 } } as const;
const source = { type: "prometheus", uid: "$source" };

/** A graph of lines. */
export function graph(title: string, unit: string, queries: readonly Query[], about: string): Panel {
  return { title, about, kind: "timeseries", unit, queries };
}

/** A number as of now. */
export function stat(title: string, unit: string, expr: string, about: string): Panel {
  return { title, about, kind: "stat", unit, queries: [{ expr, legend: "" }] };
}

/** The dashboard as Grafana imports it. */
export function grafanaJson({ uid, title, offeredBy, rows }: Dashboard): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: "row",
      title: row.title,
      gridPos: { x: 0, y, w: columns, h: 1 },
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      const { w, h } = size[panel.kind];
      if (x + w > columns) {
        x = 0;
        y += height;
        height = 0;
      }
      panels.push(panelJson(panels.length + 1, panel, { x, y, w, h }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  const dashboard = {
    uid,
    title,
    tags: ["consciousness"],
    schemaVersion: 39,
    editable: false,
    refresh: "30s",
    time: { from: "now-3h", to: "now" },
    templating: { list: variables(offeredBy) },
    panels,
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function panelJson(id: number, panel: Panel, gridPos: object): object {
  return {
    id,
    type: panel.kind,
    title: panel.title,
    description: panel.about,
    gridPos,
    datasource: source,
    fieldConfig: { defaults: { unit: panel.unit }, overrides: [] },
    ...(panel.kind === "timeseries" && { options: { legend: { showLegend: true, displayMode: "list" } } }),
    targets: panel.queries.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: source,
      expr,
      legendFormat: legend,
    })),
  };
}

function variables(offeredBy: string): object[] {
  const offered = (name: string, query: string) => ({
    name,
    type: "query",
    datasource: source,
    query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: ".*",
    current: { text: "All", value: "$__all" },
  });
  return [
    { name: "source", type: "datasource", query: "prometheus" },
    offered("namespace", `label_values(${offeredBy}, namespace)`),
    offered("job", `label_values(${offeredBy}{namespace=~"$namespace"}, job)`),
  ];
}

/** What every query of a dashboard asks for. */
export const chosen = 'namespace=~"$namespace",job=~"$job"';

/** The window of rates: Grafana fits it to what is shown. */
export const shownWindow = "$__rate_interval";
