/** A document to answer from. */
export interface SourceDocument {
  readonly title: string;
  /** Plain text; blank lines separate passages. */
  readonly text: string;
}

/** Where a passage comes from. */
export type PassageSource = "knowledge" | "context" | "built_in";

/** A part of a document that is found and cited as a whole. */
export interface Passage {
  readonly title: string;
  readonly text: string;
  readonly source: PassageSource;
}

/** Longer passages are cut at a line end or a blank, so that evidence stays readable. */
const longestPassage = 4000;

/** Splits documents into passages at blank lines. */
export function splitPassages(documents: readonly SourceDocument[], source: PassageSource): Passage[] {
  return documents.flatMap(({ title, text }) =>
    paragraphs(text).map((part) => ({ title, text: part, source })),
  );
}

function paragraphs(text: string): string[] {
  const parts: string[] = [];
  let lines: string[] = [];
  for (const line of [...text.split("\n"), ""]) {
    if (line.trim() !== "") {
      lines.push(line.trimEnd());
    } else if (lines.length > 0) {
      parts.push(...pieces(lines.join("\n").trim()));
      lines = [];
    }
  }
  return parts;
}

function pieces(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  while (text.length - from > longestPassage) {
    const blank = text.lastIndexOf(" ", from + longestPassage);
    const end = blank > from ? blank : from + longestPassage;
    parts.push(text.slice(from, end));
    from = blank > from ? end + 1 : end;
  }
  return [...parts, text.slice(from)];
}
