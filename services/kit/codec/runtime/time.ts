import { fromJson, toJson } from "@bufbuild/protobuf";
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { WireWriter } from "./wire-writer.js";

// Bounds that google/protobuf/timestamp.proto and duration.proto state.
const lastSecond = 253402300799;
const longestSeconds = 315576000000;

const secondsOfDay = 86_400;

/** A Timestamp from its JSON string. */
export function timestampOf(text: string): Timestamp {
  const seconds = plainSeconds(text);
  const nanos = text.length === 20 ? 0 : nanosOf(text.slice(20, -1));
  // Whatever is unusual, protobuf-es knows.
  if (!(seconds >= 0 && nanos >= 0)) return fromJson(TimestampSchema, text);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos };
}

/** Seconds of a time in UTC since 1970; NaN for any other text. Digits after the point are not looked at. */
function plainSeconds(text: string): number {
  const last = text.length - 1;
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== "T" || text[13] !== ":" || text[16] !== ":")
    return NaN;
  if (text[last] !== "Z" || (last > 19 && text[19] !== ".")) return NaN;
  const year = 100 * twoDigits(text, 0) + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const [hour, minute, second] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)];
  if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return NaN;
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return NaN;
  const date = Date.UTC(year, month - 1, day);
  // Months that have no such day.
  if (day > 28 && new Date(date).getUTCDate() !== day) return NaN;
  return date / 1000 + 3600 * hour + 60 * minute + second;
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : NaN;
}

function nanosOf(digits: string): number {
  return /^[0-9]{1,9}$/.test(digits) ? Number(digits.padEnd(9, "0")) : NaN;
}

const plainDuration = /^([0-9]{1,12})(?:\.([0-9]{1,9}))?s$/;

/** A Duration from its JSON string. */
export function durationOf(text: string): Duration {
  const match = plainDuration.exec(text);
  const seconds = Number(match?.[1]);
  if (!(seconds < longestSeconds)) return fromJson(DurationSchema, text);
  const nanos = Number((match?.[2] ?? "").padEnd(9, "0"));
  return { $typeName: "google.protobuf.Duration", seconds: BigInt(seconds), nanos };
}

/** The JSON string of a Timestamp, without quotes. */
export function timestampText(message: Timestamp): string {
  const { seconds, nanos } = message;
  if (!isPlain(seconds, nanos) || seconds > lastSecond) return toJson(TimestampSchema, message);
  const days = Math.floor(Number(seconds) / secondsOfDay);
  const rest = Number(seconds) - days * secondsOfDay;
  const hour = Math.floor(rest / 3600);
  const minute = Math.floor(rest / 60) % 60;
  return `${dateText(days)}T${padded(hour)}:${padded(minute)}:${padded(rest % 60)}${fraction(nanos)}Z`;
}

const daysOfEra = 146_097;
const epochInEras = 719_468;

/** The date so many days after 1970-01-01, by Howard Hinnant's `civil_from_days`. */
function dateText(days: number): string {
  const shifted = days + epochInEras;
  const era = Math.floor(shifted / daysOfEra);
  const day = shifted - era * daysOfEra;
  const year = Math.floor(
    (day - Math.floor(day / 1460) + Math.floor(day / 36524) - Math.floor(day / 146096)) / 365,
  );
  const dayOfYear = day - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * month + 2) / 5) + 1;
  // Its years begin in March.
  const isNextYear = month > 9;
  const yearText = `${year + era * 400 + (isNextYear ? 1 : 0)}`;
  return `${yearText}-${padded(isNextYear ? month - 9 : month + 3)}-${padded(dayOfMonth)}`;
}

function padded(number: number): string {
  return number < 10 ? `0${number}` : `${number}`;
}

/** The JSON string of a Duration, without quotes. */
export function durationText(message: Duration): string {
  const { seconds, nanos } = message;
  if (!isPlain(seconds, nanos) || seconds > longestSeconds) return toJson(DurationSchema, message);
  return `${seconds}${fraction(nanos)}s`;
}

function isPlain(seconds: bigint, nanos: number): boolean {
  return typeof seconds === "bigint" && seconds >= 0n && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9;
}

function fraction(nanos: number): string {
  if (nanos === 0) return "";
  const digits = `${nanos}`.padStart(9, "0");
  if (digits.endsWith("000000")) return `.${digits.slice(0, 3)}`;
  return digits.endsWith("000") ? `.${digits.slice(0, 6)}` : `.${digits}`;
}

const secondsTag = 8;
const nanosTag = 16;

/** Writes the fields of a Timestamp or a Duration. */
export function writeSeconds(writer: WireWriter, { seconds, nanos }: Timestamp | Duration): void {
  if (seconds !== 0n) {
    writer.uint32(secondsTag);
    writer.int64(seconds);
  }
  if (nanos !== 0) {
    writer.uint32(nanosTag);
    writer.int32(nanos);
  }
}
