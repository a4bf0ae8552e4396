/** At most so many of a list, evenly spread over it. */
export function sample<T>(list: readonly T[], most: number): T[] {
  const step = list.length / most;
  return step <= 1 ? [...list] : Array.from({ length: most }, (_, at) => list[Math.floor(at * step)] as T);
}
