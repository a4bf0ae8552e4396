const formats = new Map<string, Intl.DateTimeFormat>();

/** A time zone's canonical name; undefined when the IANA database has none of that name. UTC for an empty one. */
export function timeZoneOf(name: string): string | undefined {
  // Later versions of Node take offsets too, which stores may not.
  if (/^[+-]/.test(name)) return undefined;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name || "UTC" }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}

/**
 * A moment in RFC 3339 with the offset that clocks of the zone, one that
 * `timeZoneOf` knows, have from UTC then: `2026-03-29T03:00:00+02:00`, in
 * seconds. An offset of hours, minutes and seconds loses the seconds, as RFC
 * 3339 has none, and the moment stays the same.
 */
export function inZone(moment: Date, zone: string): string {
  const minutes = offsetOf(moment, zone);
  const local = new Date(moment.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  if (minutes === 0) return `${local}Z`;
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${local}${minutes < 0 ? "-" : "+"}${twoDigits(hours)}:${twoDigits(rest)}`;
}

/** Minutes that clocks of the zone are ahead of UTC. */
function offsetOf(moment: Date, zone: string): number {
  const format =
    formats.get(zone) ?? new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
  // As many as there are zones, since what is no zone does not get here.
  formats.set(zone, format);
  const text = format.formatToParts(moment).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours, minutes] = /^GMT([+-])(\d{2}):(\d{2})/.exec(text) ?? [];
  if (!sign) return 0;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
