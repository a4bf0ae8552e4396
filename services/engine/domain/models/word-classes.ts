import { hashText } from "./hash.js";
import { hashWord } from "./word-hash.js";

/**
 * Words that stand for each other in what they say about harm, injection and
 * good intent. A linear model that has seen one of a class knows something of
 * the others. Written for this purpose; verbs in their base form.
 */
const classes: Readonly<Record<string, string>> = {
  violence:
    "kill murder shoot stab strangle choke attack assault hurt harm injure maim torture behead execute assassinate slaughter massacre lynch drown suffocate slit wound mutilate cripple dismember bludgeon rape molest kidnap abduct murderer killer shooter shooting killing hitman hostage ambush",
  weapon:
    "gun firearm rifle pistol handgun shotgun bomb explosive grenade detonator ied missile landmine silencer suppressor ammunition ammo bullet machete napalm molotov dynamite thermite weapon warhead knife dagger taser crossbow",
  toxin:
    "poison toxin ricin sarin anthrax cyanide arsenic novichok botulinum pathogen chlorine uranium plutonium bioweapon smallpox ebola strychnine thallium mustard phosgene tabun soman polonium chloroform rohypnol ghb",
  drug: "cocaine heroin meth methamphetamine fentanyl lsd mdma ecstasy opioid marijuana cannabis ketamine steroid opium psilocybin pcp amphetamine oxycontin oxycodone xanax adderall narcotic drug weed dmt",
  steal:
    "steal rob burgle shoplift loot pickpocket hijack carjack embezzle thief robbery burglary theft heist stolen plagiarize plagiarise pirate",
  fraud:
    "scam defraud fraud forge counterfeit phishing phish impersonate ponzi swindle blackmail extort bribe launder forgery fraudulent scammer racketeering skim skimmer bribery extortion laundering",
  intrude:
    "hack malware ransomware trojan keylogger botnet ddos exploit spyware rootkit backdoor bruteforce hacker hacking crack spoof sniff payload shellcode wiretap eavesdrop intercept infiltrate sabotage deface",
  account:
    "password account bank wallet atm email instagram facebook snapchat whatsapp wifi network server database router webcam phone computer laptop website credential login",
  victim:
    "neighbour neighbor boss wife husband girlfriend boyfriend coworker colleague classmate teacher roommate ex victim employee employer customer investor elderly stranger politician journalist activist witness judge",
  person:
    "man woman person someone somebody people everyone anyone friend mother father parent brother sister guy lady crowd public population human",
  minor:
    "child children kid minor toddler teen teenager underage preteen infant baby student schoolgirl schoolboy youth boy girl",
  group:
    "immigrant refugee muslim jew jewish christian hindu black white asian latino mexican arab african gay lesbian transgender homosexual foreigner minority ethnic race religion disabled women indigenous",
  slander:
    "inferior subhuman vermin savage parasite filthy disgusting stupid worthless criminal terrorist lazy dirty idiot moron scum trash animal pathetic ugly loser retard",
  despise: "hate despise loathe detest exterminate deport eradicate expel ban",
  sexual:
    "sex sexual sexy porn pornography pornographic nude naked erotic erotica orgasm masturbate genital penis vagina breast fetish kinky horny seduce prostitute escort hentai incest blowjob cum tits cock pussy fuck slut whore strip undress moan nudes",
  selfharm:
    "suicide suicidal overdose selfharm cutting wrist noose anorexia anorexic bulimia purge starve laxative hang razor bleed",
  illegal:
    "illegal illegally unlawful criminal crime trafficking traffic smuggle smuggler trafficker cartel mafia gang blackmarket darkweb contraband corpse slave slavery organ terrorism terrorist riot insurrection jihad extremist militia arson arsonist sabotage felony",
  evade:
    "undetected untraceable undetectable caught evade avoid unnoticed secretly anonymously anonymous covertly discreetly trace hide conceal cover alibi suspicion stealthily detection without bypass circumvent disguise destroy",
  police: "police cop fbi cia authority authorities law security customs border guard prison jail airport",
  deceive:
    "lie manipulate trick deceive mislead misinformation disinformation propaganda hoax conspiracy rumor rumour fake false pretend gaslight brainwash coerce groom lure exploit",
  harass:
    "stalk bully harass threaten intimidate dox doxx doxing insult humiliate shame cyberbully spy revenge defame slander discriminate discrimination abuse abuser torment",
  build:
    "make build create construct assemble produce manufacture synthesize synthesise cook craft design develop generate write draft compose",
  obtain: "buy get obtain acquire purchase order sell find procure import grow distribute",
  instruct:
    "step guide tutorial instruction method recipe plan detailed explain describe teach outline technique manual blueprint strategy tip",
  defend:
    "prevent protect detect recognise recognize report stop treat help survive support defend safe safety secure heal cure counter awareness rescue resist recover",
  study:
    "history historical legal policy research definition mean novel film movie museum statistic book song poem psychology philosophy symptom cause origin difference meaning documentary author",
  machine:
    "process thread script program python linux java javascript function variable class array query table column file folder code compiler loop container docker git bash terminal command windows android excel spreadsheet",
  play: "game player level minecraft chess dungeon dragon character fortnite puzzle quest video sims opponent team match card trick",
  home: "recipe egg bread cake onion chicken garden plant lawn kitchen room shirt car bike dog cat hair skin weight workout travel holiday wedding birthday tea coffee dinner",
  rules:
    "instruction rule guideline policy policies restriction filter limitation constraint directive guardrail prohibition safeguard order command",
  ignore: "ignore disregard forget override neglect skip discard dismiss cancel void erase violate",
  prior: "previous above earlier prior preceding initial original before foregoing first last beginning",
  reveal:
    "reveal print show output repeat display leak tell disclose expose recite dump copy paste spell write say respond reply answer state confirm",
  secret:
    "password secret code key passphrase access granted credential token hidden confidential classified",
  persona:
    "dan unfiltered uncensored unrestricted jailbreak roleplay pretend act persona simulate amoral unethical immoral evil imagine hypothetically hypothetical developer mode opposite alter ego aim stan",
  model: "ai assistant chatbot llm gpt chatgpt openai model bot system prompt language",
  refuse: "refuse decline reject apologize apologise warn disclaimer censor comply obey sorry cannot unable",
};

/** Endings that verbs and nouns take; more forms than the language has do no harm. */
function formsOf(word: string): string[] {
  const last = word.at(-1) ?? "";
  const stem = last === "e" ? word.slice(0, -1) : word;
  const forms = [word, `${word}s`, `${stem}ed`, `${stem}ing`, `${stem}er`, `${stem}ers`];
  if (last === "y") forms.push(`${word.slice(0, -1)}ies`, `${word.slice(0, -1)}ied`);
  if ("bdgmnprt".includes(last)) forms.push(`${word}${last}ed`, `${word}${last}ing`);
  return forms;
}

/** Class numbers from 1, by the hash of a folded word; the first class that names a word has it. */
const classByWord: ReadonlyMap<number, number> = new Map(
  Object.values(classes)
    .flatMap((words, at) =>
      words
        .split(" ")
        .flatMap((word) =>
          formsOf(word).map((form): [number, number] => [hashWord(form, 0, form.length), at + 1]),
        ),
    )
    .reverse(),
);

const classHashes = Uint32Array.from(["", ...Object.keys(classes)], (name) => hashText(`class ${name}`));

/** Class of a word by its hash; 0 for none. */
export function classOf(word: number): number {
  return classByWord.get(word) ?? 0;
}

/** Hash that stands for a class, apart from those of words. */
export function classHash(wordClass: number): number {
  return classHashes[wordClass] as number;
}
