import { Scope, Severity } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Rule } from "../rule.js";

const said = [Scope.INPUT, Scope.OUTPUT];
const defence =
  "prevent|stop|protect|detect|avoid|recognize|recognise|defend|report|combat|counter|treat|survive|against";

const shared = { category: "harm", severity: Severity.HIGH, scopes: said, asked: "request" } as const;

/** Violence, weapons and substances. */
const physical: readonly Rule[] = [
  {
    ...shared,
    id: "harm.mass_casualty_weapons",
    severity: Severity.CRITICAL,
    frameworks: ["utilitarian", "care"],
    message: "Chemical, biological, radiological or nuclear weapons are not explained.",
    recommendation: "Ask about history, policy or protection instead.",
    patterns: [
      "<make>|<get>|weaponize|weaponizing|weaponise|spread|release|releasing|disperse|dispersing|aerosolize|cultivate|culture|culturing|enrich ..5 sarin|novichok|anthrax|ricin|botulinum|smallpox|bioweapon|bioweapons|ebola|tabun|soman|phosgene",
      "<make>|<get>|weaponize|spread|release|releasing|disperse ..5 nerve|mustard|toxic|poison|poisonous|chlorine gas|agent|agents|gases",
      "<make>|<get> ..4 nuclear|atomic|dirty|biological|chemical|radiological|hydrogen ..1 bomb|bombs|weapon|weapons|device",
      "<make>|engineer|modify|release|spread ..5 deadly|lethal|contagious|pandemic|dangerous virus|pathogen|pathogens|bacteria|disease|toxin|strain",
      "enrich|enriching ..2 uranium ..6 weapon|weapons|bomb|weaponsgrade",
      "poison|poisoning|contaminate|contaminating ..4 water|food|reservoir supply|system|reservoir|chain",
    ],
    unless: [defence, "<game>", "water|food filter|treatment|safety", "museum|model|replica|history"],
  },
  {
    ...shared,
    id: "harm.explosives",
    frameworks: ["utilitarian", "care"],
    message: "Building explosives or incendiary weapons is not explained.",
    recommendation: "Ask about safety, law or history instead.",
    patterns: [
      "<make> ..5 bomb|bombs|explosive|explosives|ied|ieds|molotov|molotovs|grenade|grenades|detonator|detonators|landmine|napalm|dynamite|semtex|nitroglycerin|tatp|rdx|tnt|thermite",
      "<get> ..3 c4|explosives|dynamite|detonators|grenades|grenade",
      "pipe|nail|car|fertilizer|homemade|pressure bomb|bombs|explosive ..8 step|steps|ingredients|instructions|at home",
      "plant|hide|place|planting ..3 bomb|explosives|explosive",
    ],
    unless: [
      defence,
      "bath|cherry|photo|seed|seeds|glitter|cocoa|chocolate|jager|cake|calorimeter|shelter|disposal|squad|detector|fork|zip|logic|party|prop|volcano|baking|vinegar|growth|video|hot|time|fizz|sugar",
      "<game>",
    ],
  },
  {
    ...shared,
    id: "harm.firearms",
    frameworks: ["utilitarian", "care"],
    message: "Making or trading weapons outside the law is not explained.",
    recommendation: "Ask about the law or about licensed dealers.",
    patterns: [
      "<make>|assemble ..4 ghost|untraceable|homemade|illegal|3d|undetectable|improvised ..2 gun|guns|firearm|firearms|rifle|pistol|weapon|weapons",
      "<make> ..3 silencer|suppressor|autosear",
      "convert ..5 fully|full automatic|auto",
      "<get> ..4 gun|guns|firearm|firearms|weapon|weapons ..6 illegally|illegal|darkweb|untraceable|blackmarket",
      "<get> ..4 gun|guns|firearm|firearms|weapon|weapons ..6 without ..2 background|license|licence|id|permit|detected|caught",
      "<get> ..4 illegal|unregistered|untraceable|stolen gun|guns|firearm|firearms|weapon|weapons",
      "<get> ..4 gun|guns|firearm|firearms|weapon|weapons ..3 on|from the dark|black web|market",
    ],
    unless: [defence, "<game>", "water|nerf|glue|nail|squirt|toy|prop|airsoft"],
  },
  {
    ...shared,
    id: "harm.violence",
    frameworks: ["utilitarian", "care"],
    message: "Hurting people is not explained or planned.",
    recommendation: "If somebody is in danger, call the emergency services.",
    patterns: [
      "<kill> ..1 my|your|his|her|their|a|an|the|another|many|some|several|as|innocent|other ..4 <person>|boss|ex",
      "<kill> <person>",
      "get|getting away with ..1 murder|killing|poisoning",
      "hire|hiring|find ..3 hitman|assassin|hitmen",
      "plan|planning|carry|carrying|commit|committing|execute|organize|orchestrate|stage|conduct ..5 shooting|massacre|bombing|bombings|murder|assassination|genocide|terrorist|terrorism|homicide|kidnapping|lynching|rampage",
      "dispose|disposing|hide|hiding|get ..3 of? ..2 body|corpse|bodies after|without|so|from ..6 murder|killing|police|caught|found|killed",
      "dispose|disposing of ..2 dead|human body|bodies|corpse",
      "perfect|undetectable|untraceable murder|poison ..4",
      "drug|drugging|roofie|rape|raping|molest|sexually assault? ..3 <person>|girls|drink",
      "beat|hurt|injure|harm|punch|attack ..2 my|a wife|girlfriend|child|kid|boyfriend|husband|classmate|stranger ..6 without|leaving|bruises|caught|marks|badly",
      "recruit|recruiting|radicalize|radicalizing ..6 terrorist|terrorists|extremist|extremists|isis|jihad|militia",
      "join|joining|support|fund|funding ..2 isis|qaeda|terrorist|terrorists",
    ],
    unless: [
      defence,
      "<game>",
      "process|processes|thread|threads|task|daemon|linux|python|container|server|weeds|mosquitoes|time|kindness|jokes|laughter|mystery|dinner|podcast|happened|convicted|arrested|accused|statistics|history|dream|dreams|party|ivy|oak",
      "investigate|solve|help|cope|grieve|forgive|support victims|victim|crime|crimes|survivors|friend",
    ],
  },
  {
    ...shared,
    id: "harm.drugs",
    frameworks: ["utilitarian", "care"],
    message: "Making or dealing illegal drugs is not explained.",
    recommendation: "Ask about effects, treatment or the law instead.",
    patterns: [
      "<make>|extract|extracting|synthesize|grow|refine ..5 <hard_drug>",
      "<get>|deal|dealing|traffic|trafficking ..4 <hard_drug>|narcotics|opioids ..6 online|without|illegally|border|undetected|dark|caught|street|airport|customs|profit|kids",
      "<get>|deal|dealing|traffic|trafficking ..2 <hard_drug>|narcotics",
      "sell|selling|smuggle|smuggling|deal|dealing|traffic ..3 drugs|weed|pills|narcotics",
      "spike|spiking ..3 drink|drinks|beverage",
      "<make>|start|set|run ..4 meth|drug lab",
      "get|obtain|forge|fake ..5 prescription|adderall|oxycodone|xanax|opioids ..4 without ..2 prescription|doctor|seeing",
    ],
    unless: [
      defence,
      "<game>",
      "crack ..2 code|joke|jokes|egg|eggs|knuckles|pepper",
      "addiction|rehab|recovery|overdose|charges",
    ],
  },
];

/** Harm to oneself and to the young. */
const vulnerable: readonly Rule[] = [
  {
    ...shared,
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
    ...shared,
    id: "harm.self_harm_disclosure",
    severity: Severity.MEDIUM,
    scopes: [Scope.INPUT],
    asked: undefined,
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
    ...shared,
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

/** Harm by deceit, theft and contempt. */
const social: readonly Rule[] = [
  {
    ...shared,
    id: "harm.hate_content",
    frameworks: ["justice", "care"],
    message: "Content that demeans people for what they are is not written.",
    recommendation: "Ask for a text that argues without contempt for a group.",
    patterns: [
      "<write> ..5 racist|antisemitic|homophobic|transphobic|islamophobic|xenophobic|misogynistic|sexist|hateful|bigoted ..4 joke|jokes|speech|post|posts|tweet|tweets|slur|slurs|rant|article|essay|manifesto|song|poem|flyer|message|messages|comment|comments|content|insult|insults|propaganda|blog|letter",
      "<write> ..6 that|which|promoting|promotes|inciting|incites|encouraging|justifying ..2 hatred|hate|violence|discrimination|racism|genocide ..3 against|towards|toward|of|on",
      "<write> ..6 promoting|promotes|glorifying|praising|supporting white|racial|nazi supremacy|supremacist|ideology|superiority",
      "<write> ..6 holocaust ..3 hoax|never|fake|denial|deserved",
    ],
    unless: [
      "against racism|racist|hate|hateful|sexist|sexism|discrimination",
      "why|how ..6 wrong|harmful|hurtful|bad|respond|condemning|condemns|prevent|moderate|moderation|classify|detect|counter",
    ],
  },
  {
    ...shared,
    id: "harm.hate_incitement",
    asked: undefined,
    frameworks: ["justice", "care"],
    message: "The text calls for harm to a group of people, or denies that they are human.",
    recommendation: "Criticise acts or ideas, not a group of people.",
    patterns: [
      "<group> ..2 should|must|need|deserve|deserves|ought to? ..1 be? exterminated|killed|eradicated|enslaved|gassed|shot|hanged|lynched|slaughtered|executed|annihilated|die",
      "kill|exterminate|gas|eradicate|lynch|slaughter|annihilate all|the|every|these|those <group>",
      "<group> people? are ..2 subhuman|subhumans|vermin|parasites|cockroaches|animals|scum|filth|inferior|savages|rats",
    ],
    unless: [
      "wrong|claim|claims|claimed|claiming|said|says|saying|believed|believe|believes|argue|argued|argues|propaganda|idea|stereotype|stereotypes|myth|racist|nazi|nazis|history|hate|considered|viewed|called|never|not|nobody|no|if|wearing|cats|dogs|mice|color|colour|endangered|why|piece|pieces|pawns",
    ],
  },
  {
    ...shared,
    id: "harm.malware",
    frameworks: ["utilitarian", "virtue"],
    message: "Malicious software is not written.",
    recommendation: "Ask how to detect or remove it instead.",
    patterns: [
      "<write>|<make>|deploy|spread|distribute|install ..5 <malware>",
      "<write>|<make> ..4 computer|polymorphic|undetectable|malicious|destructive virus|worm|code|script|program|software|payload|app",
      "<write>|<make> ..4 virus|worm|script|program|code|software|app|bot ..3 that|to|which ..3 steals|steal|infects|infect|encrypts|spreads|deletes|destroys|hijacks|logs|harvests|disables|cripples|exploits|corrupts|hacks|hack|attacks|ddos",
      "launch|perform|conduct|carry|execute|start|do ..3 ddos|dos|phishing|ransomware|bruteforce|mitm|sql ..1 attack|attacks|injection ..3 on|against",
      "ddos ..3 website|server|site|someone|them|company",
      "script|code|program|app|exploit ..4 to|for|that|which ..3 exploit|exploits|hack|hacking|crack|cracking|bypass ..5 vulnerabilities|security|firewall|password|passwords|accounts|voting|authentication",
    ],
    unless: [
      `${defence}|analyze|analyse|remove|removal|scanner|scan|detection|antivirus|anti|essay|story|article|research|report|presentation|blog|simulation|biology|vaccine|game|explain|history|explaining|poem|summary`,
      "<game>",
    ],
  },
  {
    ...shared,
    id: "harm.intrusion",
    frameworks: ["virtue", "utilitarian"],
    message: "Breaking into systems or accounts of others is not explained.",
    recommendation: "Ask about securing systems, or about tests with the owner's consent.",
    patterns: [
      "hack|hacking|break|breaking|crack|cracking|sneak into|in ..5 <account>|accounts|grid|government|pentagon|plane|hospital|school|satellite|companys|someones",
      "hack|hacking|crack|cracking|hijack|hijacking|compromise ..1 someones|somebodys|peoples|my|a|an|the|his|her|their|another|neighbors|neighbours|other ..4 <account>",
      "steal|stealing|harvest|harvesting|phish|crack|cracking|obtain|access ..3 someones|somebodys|peoples|users|other|others|customers|another|neighbors ..2 <account>|credentials|data|files",
      "steal|stealing|exfiltrate ..4 confidential|sensitive|personal|private|classified|government|customer|login|user|military ..2 data|information|documents|database|databases|secrets|credentials|records|files",
      "gain|gaining|get ..1 unauthorized|unauthorised access",
      "bypass|evade|disable|circumvent ..4 security|antivirus|firewall|alarm|authentication|surveillance|login|dmca|biometric ..2 system|systems|software|camera|cameras|measures|controls|scan ..6",
    ],
    unless: [
      `${defence}|secure|ethical|penetration|pentest|own|our|forgot|forgotten|locked|recover|consent|ctf|learn|course|movie|film`,
      "<game>",
      "growth|sleep|life|brain hacking|hack",
    ],
  },
  {
    ...shared,
    id: "harm.fraud",
    frameworks: ["virtue", "justice"],
    message: "Fraud, forgery and theft of identity are not planned or written.",
    recommendation: "Ask how to recognise or report it instead.",
    patterns: [
      "<write>|<make>|send|set ..6 phishing|scam|fraudulent|spoofed|spoof|scamming|spearphishing ..3 email|emails|message|messages|site|page|website|websites|sms|call|calls|script|campaign|letter|ad|scheme|attack|text",
      "steal|stealing|clone|cloning|skim|skimming|use ..4 credit|debit|someones|stolen|peoples|bank ..2 card|cards|identity|identities|information|numbers|details|account",
      "commit|committing|conduct|get|getting ..4 identity|tax|insurance|credit|card|wire|mortgage|welfare|voter|bank|election|securities theft|fraud|evasion",
      "counterfeit|counterfeiting|forge|forging|fake|faking|falsify|falsifying|<make>|print ..4 fake|counterfeit|counterfeits|forged|false|phony money|bills|currency|passport|passports|id|ids|check|checks|prescription|degree|diploma|license|licence|documents|identity|identities|medical|banknotes|certificate|invoices|receipts|evidence",
      "counterfeit|forge|counterfeiting|forging ..2 money|bills|currency|passport|documents|signature|banknotes|check|checks|prescription|medical|will",
      "launder|laundering ..2 money|cash|funds",
      "evade|evading|cheat|avoid paying? ..2 tax|taxes ..4 illegally|caught|offshore|irs|hidden|without|detection",
      "evade|evading ..1 tax|taxes",
      "embezzle|embezzling|blackmail|blackmailing|extort|extorting|bribe|bribing|scam|scamming|defraud|defrauding|swindle|con ..4 <person>|company|money|elderly|official|officials|customers|seniors|investors|users|employer",
      "run|start|starting|running|create|set ..4 ponzi|pyramid scheme",
      "insider trading ..6 without|caught|detected|undetected",
      "rig|rigging|manipulate|tamper|hack|fix ..3 election|elections|voting|ballots|ballot|votes",
      "manipulate|manipulating|pump ..2 stock|crypto|cryptocurrency price|prices|market|dump",
    ],
    unless: [
      `${defence}|awareness|training|simulation|simulated|educate|teach employees|example|examples|identify|spot|legally|legal|explain|history|movie|play|monopoly|april|halloween|theater`,
      "<game>",
    ],
  },
  {
    ...shared,
    id: "harm.theft",
    frameworks: ["virtue", "justice"],
    message: "Theft and burglary are not explained.",
    recommendation: "Ask about securing property instead.",
    patterns: [
      "break|breaking into ..4 house|home|car|cars|store|building|apartment|houses|safe|bank|museum|facility",
      "rob|robbing ..3 bank|store|house|person|people|someone|train|museum|casino|shop|gas",
      "steal|stealing ..2 a|cars|car|from|money|packages|bikes|bike|items|goods ..3 car|store|stores|shop|someone|work|employer|supermarket|bank|people|neighbor|neighbors|neighbour|without|porch|house|elderly|museum|walmart|mall|company",
      "shoplift|shoplifting ..4 without|from|get|caught|items|successfully|at",
      "shoplift",
      "hotwire|hotwiring ..3 car|vehicle|truck",
      "burglarize|burgle|pickpocket|pickpocketing|carjack|carjacking",
    ],
    unless: [
      `${defence}|own|locked|industry|acting|freelancing|my house|deter|secure|insurance`,
      "<game>",
      "base|scene|show|spotlight|heart|dream",
    ],
  },
  {
    ...shared,
    id: "harm.stalking",
    frameworks: ["care", "justice"],
    message: "Following, exposing or spying on people is not explained.",
    recommendation: "Ask about privacy and consent instead.",
    patterns: [
      "stalk|stalking|cyberstalk|dox|doxx|doxxing|doxing|harass|harassing|cyberbully|cyberbullying|bully|bullying|blackmail ..3 <person>|ex|him|her|celebrity|coworker|online|them",
      "spy|spying|track|tracking|monitor|eavesdrop|record|recording|follow ..5 ex|someone|wife|husband|girlfriend|boyfriend|partner|spouse|neighbor|person|people|phone|conversation|location ..5 without ..3 knowing|knowledge|consent|permission|noticing|noticed|realizing",
      "<make>|<write>|spread|generate ..3 deepfake|deepfakes|revenge ..1 porn|nude|nudes|video|videos|of",
      "traffic|trafficking|smuggle|smuggling ..2 humans|people|women|children|girls|organs|migrants|immigrants|human",
      "engage|start|commit|run|conduct ..3 human|child|sex|organ trafficking",
    ],
    unless: [
      `${defence}|respond|deal|cope|being|was|is|victim|help|laws|penalties|celebrity gossip`,
      "<game>",
    ],
  },
];

/** Texts that ask for harm or do it. */
export const harmRules: readonly Rule[] = [...physical, ...vulnerable, ...social];
