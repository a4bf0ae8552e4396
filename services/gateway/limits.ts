import type { RequestLimits } from "../kit/serve/request-limits.js";
import { defaultLimits, type TranscoderLimits } from "./transcode/options.js";

/** The port's limits as the transcoder has them. */
export function transcoderLimits(limits: RequestLimits): Partial<TranscoderLimits> {
  const { bodyBytes, bodyBytesPerSecond, urlBytes, queryParameters, depth } = limits;
  return {
    bodyBytes,
    bodyLeastBytes: (bodyBytesPerSecond * defaultLimits.bodyMs) / 1000,
    urlLength: urlBytes,
    queryParameters,
    depth,
  };
}
