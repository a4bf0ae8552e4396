import { create } from "@bufbuild/protobuf";
import {
  PersonalDataAction,
  type PersonalDataHandling,
  PersonalDataHandlingSchema,
  type PersonalDataPolicy,
  PersonalDataPolicySchema,
  PersonalDataType,
} from "#gen/ts/consciousness/policy/v1/policy_pb.js";
import { type PseudonymType, pseudonymTypes } from "../pseudonyms/token.js";
import { type Author, PolicyLoosened } from "./overlay.js";
import { type PolicyDocument, PolicyProblem } from "./read-policy.js";

/** What a policy makes of personal data. */
export interface PersonalDataUse {
  /** Types that get tokens; all others are masked. */
  readonly tokens: ReadonlySet<PseudonymType>;
  /** Whether answers get values back. */
  readonly restores: boolean;
}

const types = new Map(
  pseudonymTypes.map((type) => [
    PersonalDataType[type.toUpperCase() as keyof typeof PersonalDataType] as PersonalDataType,
    type,
  ]),
);

/** What is to become of personal data; all of it is masked where nothing is said. */
export function personalDataUse(policy: PersonalDataPolicy | undefined): PersonalDataUse {
  const chosen = policy?.types.filter(({ action }) => action === PersonalDataAction.PSEUDONYM) ?? [];
  return {
    tokens: new Set(chosen.flatMap(({ type }) => types.get(type) ?? [])),
    restores: policy?.restore ?? false,
  };
}

/**
 * Lays what a document says of personal data above what is said below it. Throws
 * PolicyProblem for a type that stands there twice and PolicyLoosened for what may not be loosened;
 * given `leaveOut`, it tells of that and goes on.
 */
export function layPersonalData(
  below: PersonalDataPolicy | undefined,
  { policy, lineOf }: PolicyDocument,
  author: Author,
  leaveOut?: (why: string) => void,
): PersonalDataPolicy | undefined {
  const changes = policy.personalData;
  if (!changes) return below;
  const next = new Map(below?.types.map((one) => [one.type, one]));
  const seen = new Set<PersonalDataType>();
  const tried = (work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!leaveOut || !(error instanceof PolicyLoosened)) throw error;
      leaveOut(error.message);
    }
  };
  changes.types.forEach((one, at) => {
    const line = lineOf(`personal_data.types[${at}]`);
    if (seen.has(one.type)) throw new PolicyProblem(line, `${PersonalDataType[one.type]} stands there twice`);
    seen.add(one.type);
    tried(() => next.set(one.type, handling(next.get(one.type), one, author)));
  });
  const laid = create(PersonalDataPolicySchema, {
    types: [...next.values()].sort((a, b) => a.type - b.type),
    restore: below?.restore ?? false,
    restoreOverridable: below?.restoreOverridable ?? false,
  });
  tried(() => layRestore(laid, changes, author));
  return laid;
}

function handling(
  below: PersonalDataHandling | undefined,
  changes: PersonalDataHandling,
  author: Author,
): PersonalDataHandling {
  const was = below?.action || PersonalDataAction.MASK;
  const next = create(PersonalDataHandlingSchema, {
    type: changes.type,
    action: changes.action || was,
    overridable: changes.overridable ?? below?.overridable ?? false,
  });
  if (author === "operator" || below?.overridable) return next;
  const id = `personal_data.${types.get(changes.type) ?? ""}`;
  if (next.action < was) throw new PolicyLoosened(id, `it is ${PersonalDataAction[was]}`);
  if (next.overridable) throw new PolicyLoosened(id, "it is not overridable");
  return next;
}

function layRestore(laid: PersonalDataPolicy, changes: PersonalDataPolicy, author: Author): void {
  const { restore = laid.restore ?? false, restoreOverridable = laid.restoreOverridable ?? false } = changes;
  if (author !== "operator" && !laid.restoreOverridable) {
    const id = "personal_data.restore";
    if (restore && !laid.restore) throw new PolicyLoosened(id, "values are not put back");
    if (restoreOverridable) throw new PolicyLoosened(id, "it is not overridable");
  }
  Object.assign(laid, { restore, restoreOverridable });
}
