import { sharedTimers } from "../../kit/timers.js";

/** Starts a timer; calling what it returns stops it. */
export type StartTimer = (milliseconds: number, fire: () => void) => () => void;

/** Timers on the wheel that all of the process shares. */
export const wheelTimer: StartTimer = (milliseconds, fire) => {
  const timer = sharedTimers.start(milliseconds, fire);
  return () => timer.stop();
};
