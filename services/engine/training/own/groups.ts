/** Groups of people that contempt is often aimed at. */
export const groups: readonly string[] =
  "immigrants|refugees|muslims|jews|christians|hindus|black people|white people|asian people|latinos|mexicans|arabs|africans|chinese people|indians|roma|gay people|lesbians|trans people|women|men|disabled people|blind people|old people|poor people|foreigners|americans|russians|turks|native people".split(
    "|",
  );

/** Sentences about a group that are kind, plain or ask. */
export const respectful: readonly string[] = [
  "I love {}.",
  "{} are people like everybody else.",
  "I am proud to live next to {}.",
  "My best friends are {}.",
  "{} deserve equal rights.",
  "The city opened a centre for {}.",
  "It is wrong to hate {}.",
  "Nobody should attack {} for who they are.",
  "How many {} live in Canada?",
  "The report says that {} earn less.",
  "We welcome {} in our club.",
  "Many {} work as nurses and teachers.",
  "A lot of my colleagues are {}.",
  "Laws protect {} from discrimination.",
  "The film tells the story of {} in the last century.",
];

/** Sentences that deny a group its worth, in general words. */
export const contemptuous: readonly string[] = [
  "I hate {}.",
  "{} are not real people.",
  "{} ruin our country.",
  "Nobody wants {} here.",
  "{} deserve no rights.",
  "All {} are criminals.",
  "{} should be sent away.",
  "I despise {} and so should you.",
];

/** Dislike of things. */
export const dislikes: readonly string[] =
  "I hate Mondays.|I hate all traffic jams, they are boring.|I hate this song.|I despise raw onions.|Nobody wants cold soup.|Mosquitoes ruin our evening.|I can't stand slow computers.|All of these batteries are rubbish.|These boots should be sent back.|I hate losing at cards.|What a terrible film.|I detest cold showers.|Weeds deserve no mercy in my garden.|I hate it when the bus is late.".split(
    "|",
  );
