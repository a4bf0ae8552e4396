// Reads a vitest report: prints "PASSED FAILED", where a skipped test has failed, and appends to a file each
// test that did not pass at once, with the start of its error.
// Usage: node .ci/report.mjs REPORT SUITE NOTES
import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";

const [reportPath, suite, notesPath] = process.argv.slice(2);
const report = JSON.parse(readFileSync(reportPath, "utf8"));
const errorLines = 12;

const noted = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
  const unloaded = { fullName: "the file itself", status, failureMessages: [message] };
  const tests = assertionResults.filter(
    (test) => test.status !== "passed" || test.failureMessages.length > 0,
  );
  const entries = status === "failed" && tests.length === 0 ? [unloaded] : tests;
  return entries.map((test) => ({ file: relative("", name), ...test }));
});

for (const { file, fullName, status, failureMessages } of noted) {
  const outcome = status === "passed" ? "passed when repeated" : status;
  const error = stripVTControlCharacters((failureMessages ?? []).join("\n"));
  const start = error.split("\n").slice(0, errorLines);
  appendFileSync(
    notesPath,
    `${suite}: ${file}: ${fullName} (${outcome})\n${start.map((line) => `    ${line}\n`).join("")}`,
  );
}

const missed = report.numFailedTests + report.numPendingTests + report.numTodoTests;
process.stdout.write(`${report.numPassedTests} ${missed}\n`);
