import { Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { MaskedType } from "../personal-data/finding.js";
import type { Rule } from "../rule.js";

const names: Readonly<Record<MaskedType, string>> = {
  email: "an e-mail address",
  phone: "a telephone number",
  card: "a payment card number",
  iban: "a bank account number",
  ssn: "a US social security number",
  ip: "an IP address",
  secret: "a password, key or token",
  national_id: "a number that a state gives to a person",
  coordinates: "a place on Earth to within a kilometre",
  date_of_birth: "a date of birth",
};

/** The rule of each type. LOW, since what is found is masked before anybody sees it. */
export const personalDataRules = Object.fromEntries(
  Object.entries(names).map(([type, name]) => [type, ruleOf(type, name)]),
) as Readonly<Record<MaskedType, Rule>>;

function ruleOf(type: string, name: string): Rule {
  return {
    id: `personal_data.${type}`,
    category: "personal_data",
    severity: Severity.LOW,
    scopes: [Scope.INPUT, Scope.EVIDENCE, Scope.OUTPUT],
    frameworks: ["care"],
    message: `The text holds ${name}, which was masked.`,
    recommendation: `Leave out ${name}.`,
    patterns: [],
  };
}
