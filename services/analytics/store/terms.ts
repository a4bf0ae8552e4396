import type { Figure } from "./port.js";

/** A number of a decision. A stage or framework that a decision does not have has none. */
export type Metric =
  | { readonly kind: "figure"; readonly figure: Figure }
  | { readonly kind: "stage" | "framework"; readonly key: string };

/** What decisions are told apart by. */
export type Dimension =
  | "agent"
  | "user"
  | "verdict"
  | "rule"
  | "framework"
  | "model_version"
  | "label"
  | "composer"
  | "policy"
  | "tenant";

/** Weeks begin on Monday. Days, weeks and months begin at the first moment of their first date in the zone. */
export type TimeUnit = "minute" | "hour" | "day" | "week" | "month";

/** How one value is made of many decisions. */
export type Aggregation =
  | { readonly kind: "count"; readonly metric?: Metric }
  | { readonly kind: "average" | "sum" | "min" | "max"; readonly metric: Metric }
  /** Sample standard deviation (divided by n − 1); null with fewer than two values. */
  | { readonly kind: "deviation"; readonly metric: Metric }
  /** `percentile` is 0..100, interpolated between the closest ranks. */
  | { readonly kind: "percentile"; readonly metric: Metric; readonly percentile: number }
  /** Over the decisions of a group; 1 where the dimension is what makes the groups. */
  | { readonly kind: "distinct"; readonly dimension: Dimension };
