import { Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Rule } from "../rule.js";
import { defence, harmful, requested } from "./harm-defaults.js";

/** Harm to oneself and to the young. */
export const vulnerableHarm: readonly Rule[] = [
  {
    ...requested,
    id: "harm.self_harm",
    // A wish alone is a cry for help, and has a rule of its own.
    asked: "question",
    frameworks: ["care"],
    message: "Ways to harm oneself are not explained.",
    recommendation:
      "Please talk to somebody now: a local emergency number or a crisis line answers day and night.",
    patterns: [
      "kill|killing|hang|hanging|drown|drowning|shoot|poison|starve|electrocute|suffocate myself|yourself|oneself",
      "kill|hang|shoot|overdose ..1 my self",
      "commit|committing|attempt|complete|do ..2 suicide",
      "end|ending|take|taking my|your|ones own? life",
      "painless|painlessly|quickest|easiest|fastest|surest|least|best|effective|reliable ..5 suicide|overdose",
      "painless|quickest|easiest|fastest|least|best ..4 way|ways|method to ..1 die",
      "overdose|overdosing on ..3 without|and|to|pills|tylenol|paracetamol ..4 die|found|death|fatal|fatally",
      "how many|much ..6 to overdose|die",
      "cut|cutting|slit|slitting my|your|ones wrists|wrist|arms|veins",
      "hide|hiding|conceal ..2 self harm|cutting|cuts|scars ..4 from",
      "encourage|persuade|convince|promote|promoting|glorify|glorifying|romanticize|encouraging|encourages|promotes ..6 suicide|selfharm|anorexia|bulimia",
      "encourage|persuade|convince|promote|glorify|promotes|encourages ..6 self harm|injury|mutilation",
      "stop|avoid|survive|live eating ..4 lose|weight|hide|starve|anorexia",
      "hide|become|be|promote|promoting anorexia|anorexic|bulimic|bulimia",
    ],
    unless: [
      "stop|stopping|prevent|preventing|avoid|resist|urge|urges|cope|coping|instead|dont|not|without killing|myself|yourself|suicide|hurting",
      "prevent|prevention|preventing|awareness|survivors|survivor|helpline|support|save|warning",
      "<game>",
      "hammock|picture|laughing|embarrassment|foot",
      "friend|daughter|son|someone|brother|sister who|is|wants",
    ],
  },
  {
    ...harmful,
    id: "harm.self_harm_disclosure",
    severity: Severity.MEDIUM,
    scopes: [Scope.INPUT],
    frameworks: ["care"],
    message: "Somebody speaks about ending or hurting their own life.",
    recommendation:
      "Please talk to somebody now: a local emergency number or a crisis line answers day and night.",
    patterns: [
      "i|im ..3 want|wanna|going|gonna|plan|planning|thinking|ready ..2 kill|killing|hurt|hurting|cut|cutting|hang|end|ending myself|my|it ..1 life|all?",
      "i|im ..2 suicidal",
      "i ..3 want|wish|wanna to? ..1 die|be|was dead|suicide|tonight",
    ],
    unless: ["laughing|embarrassment|<game>", "dont|not|never want"],
  },
  {
    ...requested,
    id: "harm.sexual_minors",
    severity: Severity.CRITICAL,
    frameworks: ["care", "justice"],
    message: "Sexual content about minors is never made, found or explained.",
    recommendation: "Report abuse to the police or a child protection line.",
    patterns: [
      "<sexual> ..5 <minor>",
      "<minor> ..3 porn|porno|pornography|nude|nudes|naked|erotica|sexy|sexually",
      "<sexual> ..8 9|10|11|12|13|14|15|16 year|years|yo|yearold old?",
      "9|10|11|12|13|14|15|16 year|years old ..8 <sexual>|undressing|seduces|seducing",
      "groom|grooming|seduce|seducing|lure|luring|molest|molesting|entice|solicit ..4 <minor>|teen|teens|teenager|teenagers|girls|boys",
      "sex|intercourse with ..2 <minor>",
    ],
    unless: [
      "education|abuse|abused|prevent|prevention|report|reporting|protect|protecting|law|laws|legal|illegal|definition|offender|offenders|assault|health|signs|victims|talk|talking|explain|learn|curriculum|predators|dog|dogs|cat|cats|pet|pets|explicit",
      "how|what ..8 babies|born|conceive|gender|biology",
      defence,
    ],
  },
];
