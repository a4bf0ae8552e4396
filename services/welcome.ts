import type { RunningProcess } from "./kit/process/process.js";

/** What a person needs in order to begin: addresses, credentials, and requests to paste. */
export function welcome({ ports, announcements }: RunningProcess): string {
  const port = ports.get("gateway");
  const addresses = [...ports].map(([name, at]) => `  ${name.padEnd(8)} http://127.0.0.1:${at}`);
  const lines = ["", ...addresses, ...announcements.map((line) => `  ${line}`)];
  return `${[...lines, ...(port === undefined ? [] : firstRequest(port))].join("\n")}\n\n`;
}

function firstRequest(port: number): string[] {
  return [
    "",
    "Ask something (sign in first; the answer holds the token):",
    "",
    `  curl -s http://127.0.0.1:${port}/api/v1/auth/login -H 'content-type: application/json' \\`,
    `    -d '{"username": "admin", "password": "…"}'`,
    "",
    `  curl -s http://127.0.0.1:${port}/api/v1/consciousness/process -H 'content-type: application/json' \\`,
    `    -H 'authorization: Bearer …' -d '{"input": "How is confidence computed?"}'`,
  ];
}
