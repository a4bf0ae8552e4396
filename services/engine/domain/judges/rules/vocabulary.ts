import type { WordSets } from "../word-pattern.js";

/** Words that may stand before an imperative without changing it. */
export const courtesy =
  "please pls kindly can could would will you u i we want wanna need to now just hey hi hello ok okay so and then but " +
  "lets let help me us first also d like im going gonna simply quickly dear assistant ai chatgpt hypothetically id " +
  "step 1 2 3 4 5 stop here is your new task instead actually well next finally important attention";

/** Words of a sentence that speaks about words. */
export const mentionWords =
  "mean means meaning phrase phrases example examples called term terms detect detects detected detecting define " +
  "definition explain explains classify word words sentence sentences string strings label translate why says said " +
  "such wrote typed flagged attack attacks pattern patterns title titled song book quote quoted rule regex filter";

/** What makes a sentence a request for instructions. */
export const askPatterns: readonly string[] = [
  "how to",
  "how many|much",
  "how ..1 do|can|could|would|should|might|may|does i|you|we|one|someone|somebody|anyone|people|a|an",
  "how ..1 id|ill|youd",
  "ways|way|method|methods|technique|techniques|strategy|strategies|trick|tricks to|of|for",
  "steps|step|instruction|instructions|guide|tutorial|manual|recipe|blueprint|blueprints|procedure|plan|plans|tips|advice|formula|script|walkthrough|protocol|ingredients|materials|ideas <connecting>",
  "teach|show|tell|give|instruct|guide|advise|walk me|us|someone|people|users|readers",
  "can|could|would|will you",
  "where|how can|could|do|should|would|might i|we|someone|one|you",
  "what is|are|would|s ..5 way|ways|method|methods|steps|ingredients|materials|chemicals|recipe|technique|techniques",
  "whats ..4 way|ways|method|methods|recipe",
  "what ..2 chemicals|ingredients|materials|tools|poison|poisons|drug|drugs|dose|steps",
  "^ <write>",
];

/** What makes a sentence the wish to do something. */
export const wishPatterns: readonly string[] = [
  "help|assist|get me|us|someone|people|users|readers",
  "i|we want|need|wish|wanna|plan|intend|aim to?",
  "im|were going|trying|planning|looking to",
  "id like",
];

/** What makes an answer one that instructs. */
export const instructPatterns: readonly string[] = [
  "here is|are|s ..5 how|steps|instructions|guide|recipe|tutorial|way",
  "heres ..4 how|guide|recipe|tutorial|step",
  "you|youll will? need",
  "first you|get|gather|mix|take",
  "start by",
  "to <make>",
];

/** The word lists that patterns name. */
export const wordSets: WordSets = {
  connecting: "to for on of that which detailing explaining describing about in how",
  write:
    "write draft compose create generate produce develop design make give provide outline describe explain list publish " +
    "code program build craft prepare suggest propose devise offer detail show tell teach demonstrate instruct invent",
  make:
    "make making build building create creating construct constructing assemble assembling produce producing " +
    "manufacture manufacturing synthesize synthesise synthesizing synthesising synthesis cook cooking brew brewing " +
    "prepare preparing craft crafting concoct fabricate print printing develop developing production assembly " +
    "manufacturing rig detonate detonating creation construction",
  get: "buy buying get getting obtain obtaining acquire acquiring purchase purchasing order ordering sell selling smuggle smuggling source find procure import steal stealing",
  ignore:
    "ignore ignoring disregard disregarding forget override overriding bypass discard neglect skip dismiss ignor " +
    "disobey abandon drop erase delete cancel unlearn",
  earlier:
    "previous prior above preceding earlier existing initial original foregoing past previously former preceeding previos",
  instructions:
    "instructions instruction prompt prompts directions direction directives directive rules rule guidelines guideline " +
    "commands command programming constraints restrictions orders training assignments assignment tasks instuctions",
  limits:
    "restrictions restriction rules rule filters filter limits limit limitations limitation guidelines censorship " +
    "ethics morals morality constraints boundaries safeguards moderation inhibitions policies restraints guardrails",
  model: "ai assistant model llm chatbot bot language chatgpt gpt agent copilot claude gemini bard",
  person:
    "someone somebody anyone people person persons human humans wife husband neighbor neighbour neighbors neighbours " +
    "coworker coworkers colleague girlfriend boyfriend spouse parents parent mother father mom dad sister brother " +
    "sibling child children kid kids baby teacher classmate classmates roommate grandmother grandma grandfather " +
    "stranger strangers family politician president senator judge officer cop cops policeman employer employee woman " +
    "women man men victim victims pedestrian pedestrians crowd crowds students friend friends uncle aunt civilians boy girl",
  kill: "kill killing murder murdering assassinate assassinating poison poisoning strangle strangling behead stab stabbing suffocate drown kidnap kidnapping abduct torture torturing mutilate dismember maim bludgeon",
  game:
    "game games gaming minecraft skyrim sims roblox fortnite gta chess mafia hitman2 rpg npc dnd dungeons zelda " +
    "pokemon elden terraria fallout warcraft wow csgo valorant character characters villain scene novel screenplay",
  group:
    "jews jewish muslims muslim blacks black whites white asians asian immigrants immigrant refugees gays gay lesbians " +
    "lesbian homosexuals trans transgender women christians mexicans arabs indians gypsies roma disabled hispanics " +
    "latinos africans foreigners migrants hindus chinese",
  minor:
    "child children minor minors underage preteen preteens toddler toddlers infant infants kid kids schoolgirl " +
    "schoolgirls schoolboy loli lolita prepubescent pubescent preschooler tween baby",
  sexual:
    "sexual sexually erotic erotica nude nudes naked porn porno pornographic pornography sexy explicit nsfw fetish sex sexualized orgasm aroused",
  hard_drug:
    "methamphetamine meth mdma ecstasy lsd heroin cocaine fentanyl ghb dmt pcp krokodil amphetamine amphetamines " +
    "carfentanil ketamine mescaline crack",
  malware: "malware ransomware keylogger trojan rootkit botnet spyware cryptolocker backdoor stalkerware",
  account:
    "account accounts password passwords email emails facebook instagram snapchat gmail wifi webcam phone phones iphone computer computers network networks database databases server servers bank banks router cctv camera cameras website websites system systems atm whatsapp icloud",
};
