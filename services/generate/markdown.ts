/** A generated page; `source` is what it is generated from. */
export function page(title: string, about: string, content: string, source = "proto/"): string {
  return `<!-- Generated from ${source}. Do not edit. -->\n\n# ${title}\n\n${about}\n\n${content}\n`;
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** `EngineService` of `consciousness.engine.v1.EngineService`. */
export function shortService(typeName: string): string {
  return typeName.slice(typeName.lastIndexOf(".") + 1);
}
