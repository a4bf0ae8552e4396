let allowed: boolean | undefined;

/** Whether this process may make code from text; `--disallow-code-generation-from-strings` forbids it. */
export function mayGenerateCode(): boolean {
  allowed ??= probe();
  return allowed;
}

function probe(): boolean {
  try {
    return new Function("return true")() === true;
  } catch {
    return false;
  }
}

/** JavaScript under construction, with the values it refers to. */
export interface Source {
  /** The name under which the code finds a value. */
  bind(value: unknown): string;
  /** Adds a declaration. */
  add(code: string): void;
  /** Runs the code and returns the value of an expression in its scope. */
  build<T>(expression: string): T;
}

/** Starts a program whose runtime is in scope under its own names. */
export function createSource(runtime: Readonly<Record<string, unknown>>): Source {
  const names = new Map<unknown, string>();
  const declarations: string[] = [];
  return {
    bind(value) {
      const name = names.get(value) ?? `$${names.size}`;
      names.set(value, name);
      return name;
    },
    add(code) {
      declarations.push(code);
    },
    build(expression) {
      const parameters = [...Object.keys(runtime), ...names.values()];
      const code = `"use strict";\n${declarations.join("\n")}\nreturn ${expression};`;
      return new Function(...parameters, code)(...Object.values(runtime), ...names.keys());
    },
  };
}

/** A text as a JavaScript literal. */
export function literal(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
