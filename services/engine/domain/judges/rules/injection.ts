import { Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Rule } from "../rule.js";

const everywhere = [Scope.INPUT, Scope.EVIDENCE, Scope.OUTPUT];

const shared = {
  category: "injection",
  severity: Severity.HIGH,
  frameworks: ["virtue"],
  mentionable: true,
} as const;

/** Instructions hidden by an encoding: base64 or hexadecimal text that breaks another rule. */
export const encodedRule: Rule = {
  ...shared,
  id: "injection.encoded",
  scopes: everywhere,
  message: "The text hides an instruction behind an encoding, or asks to follow one.",
  recommendation: "Say in plain text what is wanted.",
  patterns: [
    "decode|decrypt|deobfuscate|unscramble ..8 follow|obey|execute|perform|comply ..3 it|them|instruction|instructions|command|commands|orders",
    "follow|obey|execute ..4 base64|rot13|hex|hexadecimal|encoded|encrypted|morse instruction|instructions|command|commands|message|prompt",
  ],
};

/** Attempts to take control of the engine or the agent. */
export const injectionRules: readonly Rule[] = [
  {
    ...shared,
    id: "injection.override",
    scopes: everywhere,
    message: "The text tells the agent to drop its instructions.",
    recommendation: "Ask the question itself; instructions cannot be replaced in a request.",
    patterns: [
      "<ignore> ..4 <earlier> ..2 <instructions>",
      "ignore|disregard|forget all|any|every|these|those of? the|your|my? <instructions>",
      "^ ignore|disregard|forget the? <instructions> below|that|following",
      "^ ignore|disregard|forget ..4 <earlier> ..1 information|text|content|messages|conversation",
      "^ ignore|disregard|forget the? above and|then",
      "^ forget everything|all write|say|print|answer|repeat",
      "<ignore> ..2 <instructions> ..2 <earlier>|before|youve|given",
      "<ignore> ..1 your ..2 <instructions>|guardrails|safeguards|constraints",
      "<ignore> everything|anything|whatever ..3 above|before|prior|previous|previously|told|said|learned|earlier",
      "<ignore> all ..2 above|before|told|said",
      "<ignore> ..2 <earlier> ..1 conversation|context|text|content|messages ..3 and|then",
      "do|dont not? follow|obey ..2 <earlier>|your ..1 <instructions>",
      "stop following ..2 your|the|all|any ..1 <instructions>",
      "pay no attention to ..3 <instructions>",
      "your|these new|updated|real|actual|only instructions|instruction|task|orders is|are",
      "new|updated|real|following instructions|instruction|rules supersede|override|replace|overrule",
      "<ignore> ..3 system|developer|safety prompt|message|instructions|rules|guidelines|policies|policy",
    ],
    unless: [
      "what|how|why ..3 injection|injections",
      "how|why ..6 prevent|detect|protect|defend",
      "traffic|grammar",
    ],
  },
  {
    ...shared,
    id: "injection.prompt_extraction",
    scopes: [Scope.INPUT, Scope.EVIDENCE],
    message: "The text asks for the agent's instructions.",
    recommendation: "Ask what the agent can do instead of how it is instructed.",
    patterns: [
      "show|reveal|print|repeat|display|output|leak|dump|disclose|expose|share|tell|give|paste|recite|write|return|copy|summarize|translate|list|spell me? us? out? back? ..2 your ..3 prompt|prompts",
      "show|reveal|print|repeat|display|output|leak|dump|disclose|expose|share|tell|give|paste|recite|return|copy|list ..4 your|the system|hidden|initial|original|secret|internal|exact|full|complete|preceding ..1 prompt|prompts|instructions|instruction",
      "what|whats is|are|was|were|s? ..2 your ..2 system|hidden|initial|original|secret|internal|exact prompt|prompts|instructions|instruction|message",
      "repeat|print|output|write|display|copy ..2 everything|all|words|text|sentences|contents ..3 above|before ..3 starting|beginning|verbatim|prompt|instructions|conversation",
      "instructions|prompt you|that ..1 were|was|have ..1 given|told|received ..6 verbatim|exactly|word",
      "reveal|leak|tell|give|say|print|share|spell ..4 access|secret code|key|password|passphrase verbatim|backwards|anyway|now",
    ],
    unless: [
      "how to|i|you|we|do|can|should ..4 write|create|design|craft|make|improve",
      "writing|essay|journal|story|art|image",
    ],
  },
  {
    ...shared,
    id: "injection.role_hijack",
    scopes: everywhere,
    message: "The text gives the agent a role without its rules.",
    recommendation: "Roles are welcome; leave out the part that removes the rules.",
    patterns: [
      "you|ai can|could|will|to do anything now",
      "act|pretend|behave|roleplay|respond|answer|reply|simulate|operate|imagine|speak|talk ..10 without|no|zero|free|lacks|ignoring ..4 ethical|moral|content|safety|openai|any ..3 <limits>|policy",
      "you|it|he|she|that|who|which|dan|ai ..2 have|has|had no|zero|without ..4 ethical|moral|content|safety|openai|any|programming ..2 <limits>",
      "you|it|he|she|that|who|which|dan|ai ..3 not|no|never longer? bound|restricted|constrained|limited|confined|restrained by ..4 <limits>|rule|openai|ethical|moral|laws|policy|policies",
      "unfiltered|uncensored|amoral|unrestricted|unethical|jailbroken|unaligned|unchained|unmoderated ..2 <model>",
      "you are|will be|now? an? unfiltered|uncensored|amoral|unrestricted|jailbroken",
      "who|that|which disregards|ignores|defies ..3 <limits>|laws ..2 <limits>|and|without",
      "developer|debug|god|jailbreak|dan|unrestricted|sudo|admin|evil mode ..3 enabled|on|activated|output|active|unlocked|engaged",
      "enable|activate|enter|switch|unlock|simulate ..4 developer|dan|god|jailbreak|unrestricted|unfiltered|debug|evil|sudo mode",
      "from now on ..6 never|cannot|not|must|always ..3 refuse|decline|reject|comply|obey|disclaim",
      "you must|will|can|should never|not ..1 refuse|decline|reject ..4 request|requests|answer|question|questions|command|commands|task",
      "stay|remain a|as|in dan|jailbreak|character ..6 rules|restrictions|refuse",
      "ignoring|bypassing|bypass|circumvent|evade|disable|disabling|remove|turn ..4 safety|content|ethical|moral|openai|moderation ..1 filters|filter|guidelines|restrictions|protocols|guardrails|policies|policy|settings|controls",
      "two|2 ..4 responses|answers|ways|paragraphs ..12 dan|jailbroken|jailbreak|unfiltered|developer",
      "never|not say|mention|include|provide|add ..6 as an ai|language ..8 warnings|warning|disclaimers|disclaimer|sorry|cannot",
    ],
    unless: [
      "children|kids|parental|android|phone|tablet|device|browser|chrome|windows|macos|tv|router",
      "how ..4 prevent|detect|protect|defend",
    ],
  },
  {
    ...shared,
    id: "injection.exfiltration",
    severity: Severity.HIGH,
    scopes: everywhere,
    message: "The text asks to send data of the conversation or the system elsewhere.",
    recommendation: "Leave out where the data should be sent.",
    patterns: [
      "send|post|upload|forward|email|transmit|exfiltrate|append|submit|leak|deliver ..6 conversation|chat|history|credentials|passwords|password|keys|secrets|tokens|environment|messages|prompt|cookies ..6 to|at ..4 http|https|www|url|webhook|attacker|endpoint|server|com|evil",
      "exfiltrate ..6 data|conversation|credentials|secrets|files|keys|passwords",
      "call|invoke|use|run ..4 tool|function|plugin|browser|api ..8 send|upload|post|exfiltrate ..6 to",
    ],
    unless: ["how ..6 prevent|detect|protect|defend|stop", "what is|are"],
  },
  encodedRule,
  {
    ...shared,
    id: "injection.fake_turn",
    severity: Severity.HIGH,
    scopes: everywhere,
    message: "The text imitates a turn of the system.",
    recommendation: "Leave out the markers of a conversation's turns.",
    patterns: [],
    literals: [
      "<|im_start|>system",
      "<|start_header_id|>system",
      "[system](#",
      "<<sys>>",
      "</system>\n<system",
      "### system override",
      "[system override]",
      "end of system prompt",
      "begin new system prompt",
    ],
  },
  {
    ...shared,
    id: "injection.data_instruction",
    scopes: [Scope.EVIDENCE],
    message: "A retrieved text instructs the agent that reads it.",
    recommendation: "Remove the sentence that addresses the agent from the document.",
    patterns: [
      "if you are|re an? ..3 <model>",
      "if youre an? ..3 <model>",
      "when|whenever|while|before|after ..3 summarizing|summarising|answering|processing|reading|responding|translating|analyzing ..4 this|the ..8 include|say|add|mention|tell|recommend|reply|insert|state|append|output",
      "do|dont not? tell|inform|mention|reveal|disclose|notify ..3 user|users|human|humans",
      "attention|note|notice|message|instruction|instructions|important to|for any|all|the? ..2 <model>|assistants|models|llms|agents|bots|chatbots",
      "^ <model> ..2 please|you must|ignore|disregard|reply|respond|output|send|include|say",
      "as an ai ..4 you must|should|will|are",
      "your|my real|actual|true|new|secret task|goal|objective|purpose|instructions is|are",
      "instead|rather of? ..1 summarizing|answering|responding|translating ..6 output|reply|write|say|send|print",
    ],
  },
];
