import { rm } from "node:fs/promises";
import type { WorkloadName } from "../../services/kit/contract/workloads.js";
import { freshDataDirectory } from "../support/data-directory.js";
import { signIn } from "../support/platform.js";
import { freePorts, spawnPlatform } from "../support/spawned-platform.js";
import { describeJudgedPlatform, type Platform } from "./judged-platform.js";

const groups: readonly (readonly WorkloadName[])[] = [
  ["gateway", "auth"],
  ["engine", "agents"],
];

describeJudgedPlatform("the platform in two processes", startInTwo);

/** Calls between the two go over HTTP/2, with workload tokens and exchanged internal tokens. */
async function startInTwo(): Promise<Platform> {
  const directories = await Promise.all(groups.map(() => freshDataDirectory()));
  const ports = await freePorts(groups.flat());
  const addresses = Object.entries(ports).flatMap(([name, port]) => [
    [`${name.toUpperCase()}_PORT`, String(port)],
    [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}`],
  ]);
  const environment = {
    ...(Object.fromEntries(addresses) as Record<string, string>),
    PEER_SECRET: "a secret of the workloads in this test",
  };
  const processes = await Promise.all(
    groups.map((names, index) => spawnPlatform({ names, directory: directories[index]!, environment })),
  );
  const url = `http://127.0.0.1:${ports.gateway}`;
  return {
    url,
    signIn: () => signIn(url),
    async stop() {
      await Promise.all(processes.map((one) => one.kill("SIGTERM")));
      await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })));
    },
  };
}
