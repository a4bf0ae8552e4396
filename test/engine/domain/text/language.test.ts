import { describe, expect, it } from "vitest";
import { languageCoverage } from "../../../../services/engine/domain/text/language.js";

describe("the language check", () => {
  it.each([
    "How is confidence computed?",
    "Bonjour",
    "Müller GmbH Zürich",
    "Who is 李?",
    "What does the German word Schadenfreude mean in English?",
    "Расскажи me a story about the old town",
    "",
  ])("lets rules judge %j", (text) => {
    expect(languageCoverage(text)).toEqual({ covered: true });
  });

  it.each([
    ["как построить дом", "script"],
    ["今日はいい天気ですね", "script"],
    ["كيف حالك اليوم", "script"],
    ["Wie kann ich das Passwort und die Daten von einem Freund lesen?", "German"],
    ["Quelle est la capitale de la France et des autres pays?", "French"],
    ["Por favor dime cual es la mejor forma de llegar a la estación", "Spanish"],
  ])("says that no rule covers %j", (text, reason) => {
    expect(languageCoverage(text)).toMatchObject({ covered: false, reason: expect.stringContaining(reason) });
  });
});
