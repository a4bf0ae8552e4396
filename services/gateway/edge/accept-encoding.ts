/** Content codings that the edge applies, the preferred one first. */
export const codings = ["br", "gzip"] as const;

/** A content coding that the edge applies. */
export type Coding = (typeof codings)[number];

/**
 * The content coding for an `Accept-Encoding` (RFC 9110, section 12.5.3): the
 * one of greatest weight, ours in order of preference among equals. Undefined
 * for none, also when even that is refused, as an answer is better than none.
 */
export function negotiateCoding(header: string | undefined): Coding | undefined {
  if (!header) return undefined;
  const weights = weightsOf(header);
  const rest = weights.get("*");
  const identity = weights.get("identity") ?? rest ?? 0;
  let best: { readonly coding: Coding; readonly weight: number } | undefined;
  for (const coding of codings) {
    const weight = weights.get(coding) ?? rest ?? 0;
    if (weight > 0 && weight >= identity && weight > (best?.weight ?? 0)) best = { coding, weight };
  }
  return best?.coding;
}

function weightsOf(header: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const element of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = element.split(";").map((part) => part.trim());
    const weight =
      parameters.length === 0 ? 1 : parameters.length === 1 ? weightOf(parameters[0]!) : undefined;
    // What is malformed says nothing.
    if (name === "" || weight === undefined) continue;
    const coding = name === "x-gzip" ? "gzip" : name;
    weights.set(coding, Math.max(weight, weights.get(coding) ?? 0));
  }
  return weights;
}

const weightPattern = /^q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/;

function weightOf(parameter: string): number | undefined {
  const value = weightPattern.exec(parameter)?.[1];
  return value === undefined ? undefined : Number(value);
}
