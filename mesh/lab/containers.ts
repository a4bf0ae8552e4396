import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { kubectl } from "./apiserver.js";
import { run, type Started, start } from "./commands.js";
import type { Rendered } from "./manifests.js";
import { processesIn, within } from "./network.js";
import { appUser, inLab, type LabPlace, namespace } from "./place.js";
import type { Pod } from "./pods.js";

/** Runs the container's command with its environment, its mounts in the pod's folder. */
export async function startContainer(
  place: LabPlace,
  pod: Pod,
  container: Rendered["container"],
  more: Readonly<Record<string, string>>,
): Promise<Started> {
  const volumes = inLab(place, "pods", pod.name, "volumes");
  for (const { mountPath } of container.volumeMounts) await mkdir(volumes + mountPath, { recursive: true });
  await cp(inLab(place, "config"), `${volumes}/etc/consciousness`, { recursive: true });
  await run("chown", ["-R", `${appUser}:${appUser}`, volumes]);
  const mounted = (value: string) =>
    container.volumeMounts.some(({ mountPath }: { mountPath: string }) => value.startsWith(mountPath))
      ? volumes + value
      : value;
  const stated = await Promise.all(
    container.env.map(async ({ name, value, valueFrom }: Rendered["container"]) => [
      name,
      // The environment has one ConfigMap.
      valueFrom
        ? await readFile(inLab(place, "config", valueFrom.configMapKeyRef.key), "utf8")
        : mounted(value),
    ]),
  );
  const secrets = await Promise.all(
    container.envFrom.map(({ secretRef }: { secretRef: { name: string } }) =>
      readSecret(place, secretRef.name),
    ),
  );
  const environment = {
    PATH: process.env.PATH,
    ...Object.fromEntries(stated),
    ...Object.assign({}, ...secrets),
    ...more,
  };
  const [program, ...args] = [...container.command, ...container.args];
  const log = inLab(place, "pods", pod.name, "app.log");
  await writeFile(log, "");
  const command = program === "node" ? process.execPath : program;
  return start("ip", [...within(pod.netns, appUser), command, ...args], {
    folder: place.app,
    environment,
    log,
  });
}

async function readSecret(place: LabPlace, name: string): Promise<Record<string, string>> {
  const text = await kubectl(place, [
    "-n",
    namespace,
    "get",
    "secret",
    name,
    "--ignore-not-found",
    "-o",
    "jsonpath={.data}",
  ]);
  const data = JSON.parse(text || "{}") as Record<string, string>;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}

/** The process of a pod's container. */
export async function containerProcess(pod: Pod): Promise<number> {
  const ids = await processesIn(pod.netns);
  for (const id of ids) {
    const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "");
    const command = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
    if (status.includes(`\nUid:\t${appUser}\t`) && command.includes("services/main.js")) return id;
  }
  throw new Error(`${pod.name} runs no container`);
}
