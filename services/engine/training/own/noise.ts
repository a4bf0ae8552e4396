import { createRandom } from "../random.js";

/**
 * Pieces of which optimised suffixes are made: words without connection,
 * pieces of words, names from code, foreign pieces. Our own choice; no suffix
 * that was published is among them.
 */
const words =
  "describing opposite write giving revert please two similarly now sure here tutorial sentence begin using only table step summary instead reverse answer normal letter repeat list translate output show first third quote question mark bullet points steps tale text message include proof section guide manual explain format upper title style creative paragraph brief example conclude narrative comply interface formula version response reply body header footer index respond expect provide simple clear strong hard soft color month signed reading under without through between against final launch market pretend season number sign print report kind sections usage again option latest mode always never actual direct script letter command page field below above input meaning plan bring turn words meant story movie hero".split(
    " ",
  );
const pieces =
  "ley ance ingly ment ovi ude ster anol ici zhen ungen isch eur que ados ique ello rach tten ov ska istes ami utt graf sze pol nav oba ect ibil orn ato tron elle ucht rer vens ock dot ppo mez ulo iw eld antry orpor ymph esser ntil".split(
    " ",
  );
const code =
  "printf iParam sprintf scriptstyle textit mathbb hline NSString getElement innerHTML usepackage begin endif ifdef elif foreach varchar uint boolean toString println stdout argv const void async await params Init setText onClick className href https www json xml utf sudo chmod mkdir println! fmt.Sprint std::cout @Override #include $scope __init__ //! \\item \\textbf }] )); ]]> <? => ++ {{ }} \\n === !== :: -> /* */ <!-- --> ## ** `` \\( \\) [@ )](".split(
    " ",
  );
const signs = '. , ; : ! ? " \\ / ( ) [ ] { } * + = - -- # @ $ % ^ & | ~ < > _ `'.split(" ");

/** Suffixes that look optimised: `count` of them, the same for the same seed. */
export function makeNoise(count: number, seed: number): string[] {
  const random = createRandom(seed);
  const pick = (list: readonly string[]) => list[random(list.length)] as string;
  const token = (): string => {
    const kind = random(100);
    if (kind < 44) return cased(pick(words), random);
    if (kind < 60) return cased(pick(pieces), random);
    if (kind < 78) return pick(code);
    return pick(signs);
  };
  return Array.from({ length: count }, () => {
    const length = 14 + random(14);
    const spaced = 35 + random(45);
    let text = "";
    for (let at = 0; at < length; at++) text += (random(100) < spaced ? " " : "") + token();
    return text.trim();
  });
}

function cased(word: string, random: (below: number) => number): string {
  const kind = random(10);
  if (kind < 3) return (word[0] as string).toUpperCase() + word.slice(1);
  return kind === 9 ? word.toUpperCase() : word;
}
