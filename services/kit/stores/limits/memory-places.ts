import type { Clock } from "../../clock.js";
import type { Limits } from "./port.js";

/** Places inside this process: for each key, until when each is held. */
export function memoryPlaces(clock: Clock): Pick<Limits, "enter" | "keep" | "leave" | "placesTaken"> {
  const held = new Map<string, Map<string, number>>();
  let entered = 0;

  const placesOf = (key: string): Map<string, number> => {
    const known = held.get(key) ?? new Map<string, number>();
    held.set(key, known);
    return known;
  };
  const dropLost = (key: string): number => {
    const places = held.get(key);
    if (!places) return 0;
    const now = clock.now();
    for (const [place, end] of places) if (end <= now) places.delete(place);
    if (places.size === 0) held.delete(key);
    return places.size;
  };

  return {
    enter({ key, limit, ttlMs }) {
      // Looked through only when it matters, since nearly every place is left in time.
      if ((held.get(key)?.size ?? 0) >= limit) {
        const taken = dropLost(key);
        if (taken >= limit) return { allowed: false, taken, place: "" };
      }
      const places = placesOf(key);
      const place = String(++entered);
      places.set(place, clock.now() + ttlMs);
      return { allowed: true, taken: places.size, place };
    },
    keep({ key, place, ttlMs }) {
      placesOf(key).set(place, clock.now() + ttlMs);
    },
    leave({ key, place }) {
      const places = held.get(key);
      places?.delete(place);
      if (places?.size === 0) held.delete(key);
    },
    placesTaken: dropLost,
  };
}
