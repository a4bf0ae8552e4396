#!/usr/bin/env node
import { ask } from "./commands/ask.js";
import { deadLetters, deadLettersUsage } from "./commands/dead-letters.js";
import { judgeLines } from "./commands/judge.js";
import { replay, replayUsage } from "./commands/replay.js";

const usage = `Usage:
  consciousness ask "question"     answers about the engine, with evidence
  consciousness judge < lines      judges {"id", "text", "role"?, "passages"?} objects, one per line
${replayUsage}${deadLettersUsage}
The first two work offline. Exit codes: 0 done, 1 lines were refused or a server does not answer, 2 wrong usage.
`;

async function main([command, ...args]: readonly string[]): Promise<number> {
  const [question] = args;
  if (command === "ask" && args.length === 1 && question?.trim()) {
    process.stdout.write(await ask(question));
    return 0;
  }
  if (command === "judge" && args.length === 0) {
    return (await judgeLines(process.stdin, process.stdout, process.stderr)) === 0 ? 0 : 1;
  }
  if (command === "dead-letters") {
    const { env: environment, stdout: output, stderr: problems } = process;
    return deadLetters({ args, environment, output, problems });
  }
  if (command === "replay") {
    const { env: environment, stdout: output, stderr: problems } = process;
    return replay({ args, environment, output, problems, now: Date.now() });
  }
  process.stderr.write(usage);
  return 2;
}

process.exitCode = await main(process.argv.slice(2));
