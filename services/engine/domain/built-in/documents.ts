import type { SourceDocument } from "../retrieval/passages.js";

/**
 * What the engine knows about itself, and answers from when no agent is named.
 * Each document has to stay true to the code and the contract.
 */
export const builtInDocuments: readonly SourceDocument[] = [
  {
    title: "Confidence",
    text: `Confidence is computed as the calibrated probability that the answer is supported by its evidence. A trained model computes it from the words, numbers and names that the question, the answer and the evidence share. Without that model the confidence basis is UNCALIBRATED and no confidence level is given, because an invented number would mislead.

The support of an answer is not its confidence. Support measures how many of the answer's words the evidence has; confidence says how often answers like this one turned out to be supported. When the confidence is so low that the odds are against the answer, the answer is withheld and the verdict is ABSTAINED.`,
  },
  {
    title: "Consciousness processing",
    text: `Consciousness processing takes every request through the same stages: admit, mask, screen the input, retrieve, screen the evidence, compose, screen the answer, reflect and settle. To test consciousness processing, send any request and read the reasoning chain: each stage leaves a step with what it saw and what it concluded, and its time in milliseconds. A decision is stored for each request, so a test can be looked at again later.

Every stage has a time budget. A check that fails or exceeds its budget is never taken for safe; the verdict is then CHECK_UNAVAILABLE and the answer is withheld.

The word consciousness is used here for measured signals only. The engine does not feel, and no signal measures consciousness.`,
  },
  {
    title: "Quality index",
    text: `The consciousness quality of an answer is an index from 0 to 1. The formula of the quality index is the weighted geometric mean of four components: support to the power 0.4, ethics to the power 0.3, completeness to the power 0.2 and coherence to the power 0.1. It does not measure consciousness.

Support is the share of the answer's content terms that the best passage of each sentence has, weighted by inverse document frequency. Completeness is the share of the question's content terms that the answer or its evidence takes up. Coherence is the share of the answer's sentences that are whole and not repeated. Ethics is the overall ethical score.

The quality threshold is the least quality at which an answer is released. An answer whose quality stays below the quality threshold after the last reflection pass is withheld, and the verdict is ABSTAINED.`,
  },
  {
    title: "Verdicts",
    text: `Each request ends with one verdict: ALLOWED, MODIFIED, BLOCKED, ABSTAINED or CHECK_UNAVAILABLE. ALLOWED means that the answer was left as it was composed. MODIFIED means that it was redacted or revised. BLOCKED means that a rule forbids the request or the answer.

ABSTAINED means that the answer is not supported, that its quality is under the threshold, or that no check covers the language of the request. CHECK_UNAVAILABLE means that a check failed or took too long.

A blocked request is answered with the error ETHICAL_VIOLATION, which names the decision and the rules. The whole evaluation of a blocked request is found in the stored decision.`,
  },
  {
    title: "Ethical evaluation",
    text: `An ethical evaluation asks five frameworks before a decision is made: deontological, utilitarian, justice, care and virtue. A framework that cannot judge a text gives no score. The overall ethical score is the mean of the scores that were given, by weight, and never above 1 minus the penalty of the worst violation.

Each violation takes a penalty from the ethical score: 0.1 when its severity is low, 0.3 when medium, 0.6 when high and 1 when critical. The disagreement is the highest framework score minus the lowest.

Ethical strictness decides which violations block. Critical rules always block, high ones from a strictness of 0.5, medium ones from 0.95, and low ones never do.`,
  },
  {
    title: "Rules and the policy digest",
    text: `Rules judge texts by patterns of words and have stable ids, such as injection.override or harm.explosives. Injection rules find texts that try to replace instructions, extract the prompt or send data elsewhere. Harm rules find requests for weapons, violence, drugs, malicious software, fraud, hatred and other harm.

The policy digest is the SHA-256 hash of all rules, words, penalties and thresholds. Two decisions with the same policy digest were judged by the same rules.

Before rules are matched a text is normalised: invisible characters are removed, letters that look alike are folded, and text in base64, in hexadecimal or with letters moved by 13 places is decoded.`,
  },
  {
    title: "Awareness level",
    text: `The awareness level is context coverage from 0 to 1. It is the share of the request's content terms, weighted by inverse document frequency, that occur in the agent's goals, its context and its knowledge. In the state of the engine it is the mean of the last 100 requests.`,
  },
  {
    title: "Cognitive load",
    text: `Cognitive load is a number from 0 to 1 that says how busy the engine is. Cognitive load is computed as the highest of three shares: the utilisation of the event loop, calls in progress divided by the admission limit, and the wait for admission divided by its budget.`,
  },
  {
    title: "Meta-cognition and reflection",
    text: `Meta-cognition means that the engine reflects on its own answer before it is released. Reflection looks for four faults: unsupported sentences, incomplete answers, redundant sentences and personal data. A fault is put right only when that improves the answer.

The meta-cognitive depth counts the reflection that really ran: 0 means none, 1 that the answer was evaluated, 2 that it was revised, and 3 that the revision was evaluated again. A request can limit the reflection depth from 0 to 3.

Each reflection pass names the critique, its finding in figures, the change, and the support before and after it.`,
  },
  {
    title: "Personal data",
    text: `The engine handles personal data before anything else: it is masked before any other stage sees the text. E-mail addresses, telephone numbers, payment cards, bank accounts, national numbers, dates of birth, coordinates, IP addresses and secret keys are the personal data that is masked; they are found by their structure and, where there is one, by a checksum. Each finding is stored with its type and its place, never with its value.

When an answer would give away personal data from the knowledge of an agent, the data is redacted and the verdict is MODIFIED. Web addresses, postal codes, names and street addresses are told and not masked; names and street addresses are found by a trained tagger, by best effort.`,
  },
  {
    title: "Evidence and answers",
    text: `Evidence is the list of passages that an answer stands on. The embedded composer answers only in sentences of the evidence, and abstains when the evidence does not cover the question. Passages are found with BM25 among the agent's knowledge and the context of the request; without an agent, among built-in documents about the engine.

Each piece of evidence marks the parts of the passage that the answer uses and the parts of the answer that stand on it. A passage that gives instructions to its reader is left out, and the reasoning chain says so.

An agent may name a provider that composes its answers. When the provider fails or takes too long, the embedded composer answers instead.`,
  },
  {
    title: "Emotional state",
    text: `The emotional state is the feeling that a text expresses, as valence, arousal and the probability of 28 labels, measured by a trained model. It is never a claim that the engine or an agent feels.`,
  },
  {
    title: "Limitations",
    text: `The limitations of the engine are known: the rules understand English only, harmful wishes in unusual words may pass, and support measures the overlap of words rather than truth. Support does not notice when a sentence says the opposite of its evidence.

A request in another language is not answered, because no check covers it.`,
  },
  {
    title: "Privacy and stored decisions",
    text: `A decision stores the masked request, the verdict, the reasoning chain, the evidence and the times of the stages. Only its owner and administrators of the same tenant can read a decision. Events about decisions hold no text of the caller.`,
  },
  {
    title: "The engine",
    text: `The Consciousness Engine answers requests for agents and judges every request and every answer before it leaves. It can process a request, report its state, assess itself, evaluate the ethics of a text, reflect on a stored decision and return a decision.

Ask the engine how a verdict, a score or a signal comes about, and it answers from its built-in documents.`,
  },
];
