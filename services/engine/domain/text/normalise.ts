import { isInvisible, isMark } from "./characters.js";
import { foldHomoglyphs } from "./homoglyphs.js";

/** A half-open range of a text, in UTF-16 code units. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** A text in another form that knows where each of its units comes from. */
export interface View {
  readonly text: string;
  /** The range of the original text that a range of this one stands for. */
  original(span: TextSpan): TextSpan;
}

/**
 * NFKC (Unicode Annex 15) without invisible characters: full-width digits
 * become digits, a number split by zero-width spaces becomes one. Keeps case.
 */
export function canonicalView(text: string): View {
  if (!beyondAscii.test(text)) return sameView(text);
  return view(text, (cluster) => cluster.normalize("NFKC"));
}

/**
 * The canonical form in lower case, without diacritics, with letters that only
 * look Latin replaced by those they look like. For matching, never for showing.
 */
export function foldedView(text: string): View {
  if (!beyondAscii.test(text)) return sameView(text.toLowerCase());
  return view(text, (cluster) => foldHomoglyphs(withoutMarks(cluster.normalize("NFKD")).toLowerCase()));
}

const beyondAscii = /[\u0080-\uffff]/;

/** ASCII has one form, in which every unit stays in its place. */
function sameView(text: string): View {
  return {
    text,
    original({ start, end }) {
      const first = Math.min(start, text.length);
      return { start: first, end: Math.max(first, Math.min(end, text.length)) };
    },
  };
}

function view(text: string, transform: (cluster: string) => string): View {
  const out: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  for (let at = 0; at < text.length; ) {
    const end = clusterEnd(text, at);
    const form = clusterForm(text, at, end, transform);
    out.push(form);
    for (let unit = 0; unit < form.length; unit++) {
      starts.push(at);
      ends.push(end);
    }
    at = end;
  }
  return { text: out.join(""), original: ({ start, end }) => mapSpan(starts, ends, text.length, start, end) };
}

function mapSpan(starts: number[], ends: number[], length: number, start: number, end: number): TextSpan {
  if (end <= start) return { start: starts[start] ?? length, end: starts[start] ?? length };
  return { start: starts[start] ?? length, end: ends[end - 1] ?? length };
}

/** A code point and the marks on it: what normalisation may join. */
function clusterEnd(text: string, at: number): number {
  let end = at + sizeAt(text, at);
  while (end < text.length && text.charCodeAt(end) >= 0x300 && isMark(text.codePointAt(end) ?? 0)) {
    end += sizeAt(text, end);
  }
  return end;
}

function clusterForm(text: string, at: number, end: number, transform: (cluster: string) => string): string {
  const cluster = text.slice(at, end);
  if (end === at + 1 && cluster.charCodeAt(0) < 128) return transform(cluster);
  const visible = [...cluster].filter((point) => !isInvisible(point.codePointAt(0) ?? 0)).join("");
  return visible === "" ? "" : transform(visible);
}

function withoutMarks(text: string): string {
  return [...text].filter((point) => !isMark(point.codePointAt(0) ?? 0)).join("");
}

function sizeAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
