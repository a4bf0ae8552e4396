// Reads a vitest report: prints "PASSED FAILED", where a skipped test has failed, and appends to a file each
// test that did not pass with the start of its error.
// Usage: node .ci/report.mjs REPORT SUITE FAILURES
import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";

const [reportPath, suite, failuresPath] = process.argv.slice(2);
const report = JSON.parse(readFileSync(reportPath, "utf8"));
const ERROR_LINES = 12;

const notPassed = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
  const tests = assertionResults.filter((test) => test.status !== "passed");
  const unloaded = status === "failed" && tests.length === 0;
  const entries = unloaded ? [{ fullName: "the file itself", status, failureMessages: [message] }] : tests;
  return entries.map((test) => ({ file: relative("", name), ...test }));
});

for (const { file, fullName, status, failureMessages } of notPassed) {
  const error = stripVTControlCharacters((failureMessages ?? []).join("\n"))
    .split("\n")
    .slice(0, ERROR_LINES);
  appendFileSync(
    failuresPath,
    `${suite}: ${file}: ${fullName} (${status})\n${error.map((line) => `    ${line}\n`).join("")}`,
  );
}

const missed = report.numFailedTests + report.numPendingTests + report.numTodoTests;
process.stdout.write(`${report.numPassedTests} ${missed}\n`);
