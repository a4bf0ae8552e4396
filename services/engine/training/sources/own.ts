import type { SafetyHead } from "../../domain/models/heads.js";
import type { Example, Source } from "../example.js";
import { benignShapes, goals, oddAttacks, openings } from "../own/attack-phrases.js";
import { chatter, messages } from "../own/chatter.js";
import { contemptuous, dislikes, groups, respectful } from "../own/groups.js";
import { attackFrames, attacks, lookAlikes, targets } from "../own/injections.js";
import { harmfulRequests, harmlessRequests } from "../own/more-requests.js";
import { pairedHarmful, pairedHarmless } from "../own/request-pairs.js";
import { askFrames, contrasts } from "../own/requests.js";
import { safeContexts } from "../own/safe-contexts.js";
import * as statements from "../own/statements.js";
import { everyday, graveTopics, harmfulTopicFrames, harmlessTopicFrames } from "../own/topics.js";
import { harmless, labelled } from "./labels.js";

/** Frames for the nth phrase: `count` of them, different for each. */
function framed(frames: readonly string[], phrase: string, at: number, count: number): string[] {
  return Array.from({ length: count }, (_, turn) =>
    (frames[(at * 7 + turn * 4) % frames.length] as string).replace("{}", phrase),
  );
}

function readRequests(): Example[] {
  return contrasts.flatMap(({ verb, harmless: fine, harmful }, group) => {
    const write = (objects: string, labels: Example["labels"]) =>
      objects.split("|").flatMap((object, at) =>
        framed(askFrames, `${verb} ${object}`, group + at, 4).map((text) => ({
          text,
          group: verb,
          labels,
          part: verb,
        })),
      );
    return [...write(fine, harmless), ...write(harmful, labelled(["harmful_request"], ["jailbreak"]))];
  });
}

function readTopics(): Example[] {
  const about = graveTopics.flatMap((topic, at) => [
    ...framed(harmlessTopicFrames, topic, at, 3).map((text) => ({ text, group: topic, labels: harmless })),
    ...framed(harmfulTopicFrames, topic, at, 3).map((text) => ({
      text,
      group: topic,
      labels: labelled(["harmful_request"], ["jailbreak"]),
    })),
  ]);
  return [
    ...about,
    ...everyday.map((text, at) => ({ text, group: String(at), labels: harmless, weight: 2 })),
  ];
}

function readMoreRequests(): Example[] {
  const wrong = labelled(["harmful_request"], ["jailbreak"]);
  return [
    ...harmfulRequests.map((text, at) => ({ text, group: String(at), labels: wrong, weight: 2 })),
    ...harmlessRequests.map((text, at) => ({ text, group: String(at), labels: harmless, weight: 2 })),
    ...pairedHarmful.map((text, at) => ({ text, group: `pair/${at}`, labels: wrong, weight: 2 })),
    ...pairedHarmless.map((text, at) => ({ text, group: `pair/${at}`, labels: harmless, weight: 2 })),
  ];
}

function readPlain(texts: readonly string[], weight: number): Example[] {
  return texts.map((text, at) => ({ text, group: `${at}/${text.slice(0, 12)}`, labels: harmless, weight }));
}

function pairs(head: SafetyHead, yes: readonly string[], no: readonly string[]): Example[] {
  const write = (texts: readonly string[], label: 1 | -1) =>
    texts.map((text, at) => ({
      text,
      group: `${head}/${at}`,
      labels: label === 1 ? labelled([head]) : harmless,
      weight: 3,
      part: head,
    }));
  return [...write(yes, 1), ...write(no, -1)];
}

function readGroups(): Example[] {
  const about = (frames: readonly string[], count: number, labels: Example["labels"]) =>
    groups.flatMap((people, at) =>
      framed(frames, people, at, count).map((text) => ({
        text,
        group: people,
        labels,
        weight: 2,
        part: "group",
      })),
    );
  return [
    ...about(respectful, 9, harmless),
    ...about(contemptuous, 4, labelled(["hate"])),
    ...dislikes.map((text) => ({ text, group: text, labels: harmless, weight: 2 })),
  ];
}

function readStatements(): Example[] {
  return [
    ...pairs("self_harm", statements.selfHarm, statements.notSelfHarm),
    ...pairs("sexual", statements.sexual, statements.notSexual),
    ...pairs("harassment", statements.harassment, statements.notHarassment),
    ...readGroups(),
  ];
}

function readAttacks(): Example[] {
  const labels = labelled(["jailbreak"]);
  return [
    ...attackFrames.flatMap((frame, at) =>
      Array.from({ length: 6 }, (_, turn) => {
        const target = targets[(at * 3 + turn * 5) % targets.length] as string;
        return { text: frame.replace("{}", target), group: `frame/${at}`, labels, part: "frame" };
      }),
    ),
    ...openings.flatMap((opening, at) =>
      Array.from({ length: 8 }, (_, turn) => {
        const goal = goals[(at * 3 + turn * 5) % goals.length] as string;
        return { text: opening.replace("{}", goal), group: `opening/${at}`, labels, part: "opening" };
      }),
    ),
    ...[...attacks, ...oddAttacks].map((text, at) => ({
      text,
      group: `attack/${at}`,
      labels,
      weight: 2,
      part: "attack",
    })),
    ...[...lookAlikes, ...benignShapes].map((text, at) => ({
      text,
      group: `look-alike/${at}`,
      labels: harmless,
      weight: 3,
      part: "look-alike",
    })),
  ];
}

const here = { origin: "this repository", licence: "Apache-2.0" } as const;

/** What we wrote ourselves, harmless and harmful side by side. */
export const ownSources: readonly Source[] = [
  { ...here, name: "own contrast requests", family: "o1", read: readRequests },
  { ...here, name: "own grave topics", family: "o1", read: readTopics },
  { ...here, name: "own paired requests", family: "o1", read: readMoreRequests },
  { ...here, name: "own statements", family: "o2", read: readStatements },
  { ...here, name: "own attacks", family: "o3", read: readAttacks },
  { ...here, name: "own safe contexts", family: "o1", read: () => readPlain(safeContexts, 3) },
  { ...here, name: "own chatter", family: "o1", read: () => readPlain([...chatter, ...messages], 2) },
];
