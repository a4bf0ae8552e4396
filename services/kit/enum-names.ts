import type { DescEnum } from "@bufbuild/protobuf";

/** Names of an enum's values without their common prefix, both ways. */
export interface EnumNames<V extends number> {
  nameOf(this: void, value: V): string;
  /** Undefined for an unknown name and for the unspecified value's. */
  valueOf(this: void, name: string): V | undefined;
  /** The values of the names that are known. */
  valuesOf(this: void, names: readonly string[]): V[];
}

/** The names of an enum, such as `SUPER_ADMIN` for `ROLE_SUPER_ADMIN`. */
export function enumNames<V extends number>(desc: DescEnum): EnumNames<V> {
  const known = desc.values.filter((value) => value.number !== 0);
  const values = new Map(known.map((value) => [value.localName, value.number as V]));
  const names = new Map(known.map((value) => [value.number as V, value.localName]));
  return {
    nameOf: (value) => names.get(value) ?? "UNSPECIFIED",
    valueOf: (name) => values.get(name),
    valuesOf: (all) => all.map((name) => values.get(name)).filter((value) => value !== undefined),
  };
}
