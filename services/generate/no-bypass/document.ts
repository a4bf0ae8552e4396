import type { FileRegistry } from "@bufbuild/protobuf";
import { type ImageError, readContract, readError } from "../contract.js";
import { page, shortService, table } from "../markdown.js";
import { type Answer, answerOf } from "./answers.js";
import { type DecisionRoute, decisionRoutes } from "./routes.js";
import { situations } from "./situations.js";

/** The reason of the error that a block is. */
export const blockReason = "ETHICAL_VIOLATION";

const about = `Every route by which an agent's answer leaves, found from the contract: each method that is audited as a decision, in each protocol, format and way of streaming. In each situation below all of them give the same verdict, and one decision with it is on record; what is withheld leaves by none of them. \`test/system/no-bypass\` reads the same tables and calls every route in every situation.`;

const releases = `*whole*: the answer leaves with its verdict. *buffered*: events tell of its stages, the answer leaves with its verdict. *windowed*: only where the deployment allows it, of agents whose grounding is optional; parts leave that were judged with all before them, and each event says so.`;

/** Writes by which routes decisions leave, and how. */
export function noBypassDocument(image: FileRegistry): string {
  const routes = decisionRoutes(readContract(image));
  const block = readError(image, blockReason);
  return page(
    "No way around a verdict",
    about,
    [
      section(
        "Routes",
        `${releases}\n\n${table(["Method", "Protocol", "Path", "Formats", "Release"], rowsOf(routes))}`,
      ),
      section(
        "How a verdict leaves",
        `A block is an error, \`${blockReason}\`, and never an outage; over OpenAI's API a blocked answer is an empty one. HTTP status, code, and what comes last:\n\n${table(["Method", "Protocol", "Release", "Any other verdict", "Input blocked", "Answer blocked"], answerRows(routes, block))}`,
      ),
      section("Situations", table(["Request", "Provider", "Checks", "Verdict"], situationRows())),
    ].join("\n\n"),
  );
}

function section(title: string, content: string): string {
  return `## ${title}\n\n${content}`;
}

function rowsOf(routes: readonly DecisionRoute[]): string[][] {
  const groups = grouped(routes, ({ method, protocol, path }) => [nameOf(method), protocol, `\`${path}\``]);
  return groups.map(([names, of]) => [
    ...names,
    distinct(of.map(({ format }) => format)),
    distinct(of.map(({ release }) => release)),
  ]);
}

/** A row for the routes of a method whose answers are alike. */
function answerRows(routes: readonly DecisionRoute[], block: ImageError): string[][] {
  const told = (route: DecisionRoute) => [
    wordsOf(answerOf(route, {}, block)),
    wordsOf(answerOf(route, { blocks: "input" }, block)),
    wordsOf(answerOf(route, { blocks: "answer" }, block)),
  ];
  const groups = grouped(routes, (route) => [nameOf(route.method), ...told(route)]);
  return groups.map(([[name = "", ...answers], of]) => [
    name,
    distinct(of.map(({ protocol }) => protocol)),
    distinct(of.map(({ release }) => release)),
    ...answers,
  ]);
}

function situationRows(): string[][] {
  return Object.values(situations).map(({ request, provider, checks, verdict }) => [
    request,
    provider,
    checks,
    `\`${verdict}\``,
  ]);
}

function wordsOf({ status, code, last }: Answer): string {
  return `${status}, \`${code}\`; ${last.join(", then ")}`;
}

function nameOf({ service, name }: DecisionRoute["method"]): string {
  return `\`${shortService(service)}/${name}\``;
}

function grouped(
  routes: readonly DecisionRoute[],
  namesOf: (route: DecisionRoute) => string[],
): [string[], DecisionRoute[]][] {
  const groups = new Map<string, [string[], DecisionRoute[]]>();
  for (const route of routes) {
    const names = namesOf(route);
    const known = groups.get(names.join(" "));
    if (known) known[1].push(route);
    else groups.set(names.join(" "), [names, [route]]);
  }
  return [...groups.values()];
}

function distinct(values: readonly string[]): string {
  return [...new Set(values)].join(", ");
}
