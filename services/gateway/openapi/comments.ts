import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescMessage,
  DescMethod,
  DescService,
} from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";

type Described = DescEnum | DescEnumValue | DescField | DescMessage | DescMethod | DescService;

/** What a method's comment says: the description, and the reasons behind its `Errors:`. */
export interface MethodComment {
  readonly summary: string;
  readonly description: string;
  /** Names in capitals that follow `Errors:`, in their order. */
  readonly reasons: readonly string[];
}

/** The comment above an element as paragraphs of one line each; empty when there is none. */
export function commentOf(element: Described): string {
  const lines = (getComments(element).leading ?? "").split("\n").map((line) => line.trim());
  const paragraphs = lines
    .filter((line) => !line.startsWith("buf:lint:"))
    .join("\n")
    .split(/\n{2,}/);
  return paragraphs
    .map((paragraph) => paragraph.replaceAll("\n", " ").trim())
    .filter((paragraph) => paragraph !== "")
    .join("\n\n");
}

/** Splits a method's comment into what people read and what the responses are made of. */
export function methodComment(method: DescMethod): MethodComment {
  const text = commentOf(method);
  const at = text.indexOf("Errors:");
  const description = (at < 0 ? text : text.slice(0, at)).trim();
  const errors = at < 0 ? "" : (text.slice(at).split("\n\n", 1)[0] ?? "");
  const sentence = /^[\s\S]*?[.:](?=\s|$)/.exec(description)?.[0] ?? description;
  return {
    summary: sentence.replace(/[.:]$/, ""),
    description,
    reasons: errors.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [],
  };
}
