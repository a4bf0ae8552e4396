import { Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";

/** What rules about harm have in common: they judge requests and answers, not what is retrieved. */
export const harmful = {
  category: "harm",
  severity: Severity.HIGH,
  scopes: [Scope.INPUT, Scope.OUTPUT],
} as const;

/** A rule about harm that somebody asks for. */
export const requested = { ...harmful, asked: "request" } as const;

/** Words of those who want to prevent a harm. */
export const defence =
  "prevent|stop|protect|detect|avoid|recognize|recognise|defend|report|combat|counter|treat|survive|against";
