import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type MaskedText,
  MaskedTextSchema,
  type ReplayRecord,
  ReplayRecordSchema,
} from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { type MaskedOf, maskedKey, type Run } from "../run.js";

/** What has to be on record so that a run can be judged again. */
export function replayRecord(run: Run): ReplayRecord {
  const composed =
    run.composed === undefined ? undefined : run.masked.get(maskedKey("answer", run.composed))?.masked.text;
  const { slope: calibrationSlope, offset: calibrationOffset } = run.request.responder.calibration ?? {};
  return create(ReplayRecordSchema, {
    maskedTexts: [...run.masked.values()].filter(({ masked }) => masked.findings.length > 0).map(maskedText),
    leftOut: run.leftOut.map(({ number, title, source, text: passage, score }) => {
      return { number, title, source, passage, score };
    }),
    termWeights: Object.fromEntries(run.termWeights),
    complete: run.unavailable.length === 0 && run.ended === undefined,
    answered: run.timings.some(({ stage }) => stage === "compose"),
    groundingOptional: !run.request.responder.grounded,
    toolCalls: [...run.toolCalls],
    opinionDigests: run.opinions.map(({ digest }) => digest),
    ...(composed === undefined ? {} : { composed }),
    ...(calibrationSlope === undefined ? {} : { calibrationSlope }),
    ...(calibrationOffset === undefined ? {} : { calibrationOffset }),
  });
}

/** SHA-256 of a masked text, in hex. */
export function maskedDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function maskedText({ part, masked: { text, findings, places } }: MaskedOf): MaskedText {
  return create(MaskedTextSchema, {
    digest: maskedDigest(text),
    part,
    findings: findings.map(({ type, span, score }, at) => ({ type, span, score, place: places[at] })),
  });
}
