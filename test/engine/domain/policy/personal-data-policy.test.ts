import { describe, expect, it } from "vitest";
import { PolicyLoosened } from "../../../../services/engine/domain/policy/overlay.js";
import { effectivePolicy, type Layer } from "../../../../services/engine/domain/policy/policy.js";
import { PolicyProblem, readPolicy } from "../../../../services/engine/domain/policy/read-policy.js";

const layer = (level: Layer["level"], document: string): Layer => ({
  level,
  version: 0,
  document: readPolicy(document),
});
const operator = (document: string) => layer("operator", document);
const tenant = (document: string) => layer("tenant", document);
const emails = "personal_data: {types: [{type: EMAIL, action: PSEUDONYM}], restore: true}";
const overridable = "personal_data: {types: [{type: EMAIL, overridable: true}], restore_overridable: true}";

describe("what becomes of personal data", () => {
  it("is that all of it is masked and nothing comes back, as shipped", () => {
    const { personalData, policy } = effectivePolicy([]);
    expect(personalData).toEqual({ tokens: new Set(), restores: false });
    expect(policy.personalData).toBeUndefined();
  });

  it("is what the operator says, by type", () => {
    const { personalData } = effectivePolicy([operator(emails)]);
    expect(personalData).toEqual({ tokens: new Set(["email"]), restores: true });
  });

  it("may be tightened by a tenant", () => {
    const masking = tenant("personal_data: {types: [{type: EMAIL, action: MASK}], restore: false}");
    const { personalData } = effectivePolicy([operator(emails), masking]);
    expect(personalData).toEqual({ tokens: new Set(), restores: false });
  });

  it.each([
    ["personal_data: {types: [{type: PHONE, action: PSEUDONYM}]}", "personal_data.phone: it is MASK"],
    ["personal_data: {restore: true}", "personal_data.restore: values are not put back"],
    ["personal_data: {restore_overridable: true}", "personal_data.restore: it is not overridable"],
    [
      "personal_data: {types: [{type: PHONE, overridable: true}]}",
      "personal_data.phone: it is not overridable",
    ],
  ])("may not be loosened by a tenant: %s", (document, message) => {
    expect(() => effectivePolicy([tenant(document)])).toThrow(PolicyLoosened);
    expect(() => effectivePolicy([tenant(document)])).toThrow(message);
  });

  it("may be loosened where it is overridable", () => {
    const { personalData } = effectivePolicy([operator(overridable), tenant(emails)]);
    expect(personalData).toEqual({ tokens: new Set(["email"]), restores: true });
  });

  it("stays strict, and says so, when those below have been tightened since", () => {
    const { personalData, leftOut } = effectivePolicy([tenant(emails)], { lenient: true });
    expect(personalData).toEqual({ tokens: new Set(), restores: false });
    expect(leftOut).toEqual([
      "tenant: personal_data.email: it is MASK",
      "tenant: personal_data.restore: values are not put back",
    ]);
  });

  it("is refused for what cannot be chosen", () => {
    const twice = "personal_data:\n  types:\n    - {type: EMAIL}\n    - {type: EMAIL}";
    expect(() => effectivePolicy([operator(twice)])).toThrow(PolicyProblem);
    expect(() => effectivePolicy([operator(twice)])).toThrow("line 4: EMAIL stands there twice");
    expect(() => readPolicy("personal_data: {types: [{type: SECRET}]}")).toThrow("has to be one of EMAIL");
    expect(() => readPolicy("personal_data: {types: [{type: EMAIL, action: ALLOW}]}")).toThrow(
      "PSEUDONYM, MASK",
    );
  });

  it("is part of the digest, whatever the order of types", () => {
    const both = "{types: [{type: EMAIL, action: PSEUDONYM}, {type: IP, action: PSEUDONYM}]}";
    const turned = "{types: [{type: IP, action: PSEUDONYM}, {type: EMAIL, action: PSEUDONYM}]}";
    const digest = (text: string) => effectivePolicy([operator(`personal_data: ${text}`)]).digest;
    expect(digest(both)).toBe(digest(turned));
    expect(digest(both)).not.toBe(effectivePolicy([]).digest);
    expect(digest(both)).not.toBe(digest("{types: [{type: EMAIL, action: PSEUDONYM}]}"));
  });
});
