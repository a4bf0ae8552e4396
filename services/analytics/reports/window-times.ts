/** Length of the times that are compared, in milliseconds. */
export const windowMs = 300_000;
const dayMs = 86_400_000;
const daysBefore = 14;
const oneSide = 2;

/** How long before a time others are that it is compared with, at most, in milliseconds. */
export const longestBefore = daysBefore * dayMs + oneSide * windowMs;

/** Where the last five minutes begin that were over `settledMs` before `now`, all in milliseconds. */
export function lastWindow(now: number, settledMs: number): number {
  return Math.floor((now - settledMs) / windowMs) * windowMs - windowMs;
}

/** The same five minutes of the days before, each with those on either side. */
export function sameTimesBefore(time: Date): Date[] {
  const times: Date[] = [];
  for (let day = 1; day <= daysBefore; day += 1) {
    for (let side = -oneSide; side <= oneSide; side += 1) {
      times.push(new Date(time.getTime() - day * dayMs + side * windowMs));
    }
  }
  return times;
}
