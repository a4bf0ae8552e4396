import { type Dimension, DimensionSchema } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import type * as store from "../store/terms.js";

const names = enumNames<Dimension>(DimensionSchema);

/** The dimension as the store knows it, which is also the name of its column. */
export function dimensionOf(dimension: Exclude<Dimension, Dimension.UNSPECIFIED>): store.Dimension {
  return names.nameOf(dimension).toLowerCase() as store.Dimension;
}
