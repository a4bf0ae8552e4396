import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskPersonalData } from "../../../../services/engine/domain/judges/personal-data/personal-data.js";
import { findSecrets } from "../../../../services/engine/domain/judges/personal-data/secret.js";
import {
  createPseudonymise,
  type PersonalValue,
} from "../../../../services/engine/domain/pseudonyms/pseudonymise.js";
import { restorableTokens, restoreTokens } from "../../../../services/engine/domain/pseudonyms/restore.js";
import {
  escapeTokens,
  pseudonymTypes,
  tokenAt,
  tokenOf,
  tokensIn,
} from "../../../../services/engine/domain/pseudonyms/token.js";
import { contentTerms } from "../../../../services/engine/domain/retrieval/terms.js";

/** Numbers values as a conversation does. */
function conversation() {
  const values = new Map<string, string>();
  const tokensByValue = new Map<string, string>();
  const pseudonyms = {
    types: new Set<string>(pseudonymTypes),
    placed: new Set<string>(),
    tokensOf: async (asked: readonly PersonalValue[]) =>
      asked.map(({ type, value }) => {
        const token = tokensByValue.get(`${type} ${value}`) ?? tokenOf(type, tokensByValue.size + 1);
        tokensByValue.set(`${type} ${value}`, token);
        values.set(token, value);
        return token;
      }),
  };
  const pseudonymise = createPseudonymise(pseudonyms);
  const told = async (text: string, part: "request" | "evidence" | "answer" = "request") =>
    pseudonymise(text, maskPersonalData(text), part);
  const restored = (text: string) => restoreTokens(text, pseudonyms.placed, values).text;
  return { ...pseudonyms, values, told, restored };
}

const values = [
  "ann@example.com",
  "bob@example.org",
  "4111 1111 1111 1111",
  "DE89 3704 0044 0532 0130 00",
  "192.0.2.17",
];
const piece = fc.oneof(
  fc.constantFrom(
    ...values,
    "[EMAIL_1]",
    "[EMAIL_1_]",
    "[CARD_2__]",
    "[",
    "]",
    "[email]",
    "_",
    " ",
    "EMAIL_1",
  ),
  fc.lorem({ maxCount: 4 }),
  fc.string({ maxLength: 12, unit: "binary" }),
);
const texts = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(" "));

describe("tokens", () => {
  it("come back as exactly the text that was received, whatever it looked like", async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { told, restored } = conversation();
        const { text: tokenised, findings } = await told(text);
        fc.pre(!findings.some(({ type }) => type === "secret"));
        expect(restored(tokenised)).toBe(text);
        for (const { span } of findings) {
          const value = text.slice(span.start, span.end);
          expect(tokensIn(tokenised).some((token) => token.text.includes(value))).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("stand where the places say, and are found in no text again", async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const { told } = conversation();
        const { text: tokenised, findings, places } = await told(text);
        places.forEach(({ start, end }, at) => {
          const mark = tokenised.slice(start, end);
          const type = findings[at]?.type ?? "";
          expect(tokenAt(mark, 0)?.type ?? mark).toBe(type === "secret" ? "[secret]" : type);
        });
      }),
    );
    for (const type of pseudonymTypes) {
      for (const text of [`My password is ${tokenOf(type, 12)}.`, `${type}: ${tokenOf(type, 1)} 12`]) {
        expect(findSecrets(text)).toEqual([]);
        expect(maskPersonalData(text).text).toBe(text);
      }
    }
  });

  it("give the same value the same token in every text, and another value another", async () => {
    const { told } = conversation();
    expect((await told("ann@example.com and bob@example.org")).text).toBe("[EMAIL_1] and [EMAIL_2]");
    expect((await told("bob@example.org")).text).toBe("[EMAIL_2]");
  });

  it("are never given to secrets", async () => {
    const { told } = conversation();
    expect((await told("My password is hunter2secret.")).text).toBe("My password is [secret].");
  });

  it("stand in evidence for values of the request alone, and in answers for none", async () => {
    const { told } = conversation();
    await told("I am ann@example.com");
    const text = "ann@example.com, not bob@example.org";
    expect((await told(text, "evidence")).text).toBe("[EMAIL_1], not [email]");
    expect((await told(text, "answer")).text).toBe("[email], not [email]");
  });

  it("that were typed are given no value, beside one that has the same look", async () => {
    const { told, restored, placed } = conversation();
    const { text } = await told("[EMAIL_1] is not ann@example.com");
    expect(text).toBe("[EMAIL_1_] is not [EMAIL_1]");
    expect(restored("[EMAIL_1_]")).toBe("[EMAIL_1]");
    expect(restored("[EMAIL_1]")).toBe("ann@example.com");
    expect(restorableTokens("[EMAIL_1] [EMAIL_2] [EMAIL_9_]", placed)).toEqual(["[EMAIL_1]"]);
    expect(restored("[EMAIL_2] [EMAIL_9_]")).toBe("[EMAIL_2] [EMAIL_9_]");
  });

  it("move places along when values come back", async () => {
    const { told, placed, values: known } = conversation();
    await told("ann@example.com, bob@example.org");
    const text = "To [EMAIL_1] and [EMAIL_2] now";
    const { text: restored, at } = restoreTokens(text, placed, known);
    expect(restored.slice(at(text.indexOf("and")), at(text.indexOf("and") + 3))).toBe("and");
    expect(restored.slice(at(text.indexOf("[EMAIL_2]")), at(text.indexOf(" now")))).toBe("bob@example.org");
    expect([at(0), at(text.length)]).toEqual([0, restored.length]);
  });

  it("are no words to look for", () => {
    expect(contentTerms("Write to [EMAIL_1] tomorrow").map(({ word }) => word)).toEqual([
      "Write",
      "tomorrow",
    ]);
  });

  it.each(["[EMAIL_]", "[EMAIL_1", "[email_1]", "[NAME_1]", "[SECRET_1]", "EMAIL_1]", "[EMAIL_1x]"])(
    "are not %s",
    (text) => {
      expect(tokensIn(text)).toEqual([]);
      expect(escapeTokens(text)).toBe(text);
    },
  );

  it("are read in time linear in the text", () => {
    const start = performance.now();
    tokensIn(
      `${"[".repeat(200_000)}${"[EMAIL_".repeat(50_000)}${"[EMAIL_1_".repeat(50_000)}[EMAIL_${"1".repeat(200_000)}`,
    );
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
