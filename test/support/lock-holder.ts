import { lockDirectory } from "../../services/kit/stores/database/lock.js";

// A process that locks the directory of its argument and stays, or says why it may not.
const [directory = ""] = process.argv.slice(2);
try {
  await lockDirectory(directory);
  process.stdout.write("locked\n");
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`refused ${(error as Error).name}\n`);
}
