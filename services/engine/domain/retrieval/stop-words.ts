const words =
  "a about above after again all also am an and any are aren't as at be because been before being below between both but " +
  "by can can't cannot could couldn't did didn't do does doesn't doing don't down during each either else ever every few " +
  "for from further get gets got had hadn't has hasn't have haven't having he her here hers herself him himself his how " +
  "however i if in into is isn't it its itself just let's may me might more most must my myself neither no nor not now of " +
  "off on once only or other ought our ours ourselves out over own same shall she should shouldn't so some such than that " +
  "the their theirs them themselves then there these they this those through to too under until up upon us very was " +
  "wasn't we were weren't what when where which while who whom whose why will with within without won't would wouldn't " +
  "yet you your yours yourself yourselves i'm i've i'd i'll it's that's what's there's you're we're they're isn't " +
  // Words of asking: they say what to do with the answer, not what it is about.
  "please tell explain describe show give know want need help like thanks thank hello hi hey";

/** English words that carry no content of their own; apostrophes dropped. */
export const stopWords: ReadonlySet<string> = new Set(words.replaceAll("'", "").split(" "));
