import type { Dialect, Parameter } from "./dialect.js";

/** Takes a value and returns how the statement refers to it. */
export type Bind = (parameter: Parameter) => string;

/** Collects the parameters of one statement. */
export function parametersOf(dialect: Dialect): { readonly bind: Bind; readonly parameters: Parameter[] } {
  const parameters: Parameter[] = [];
  const bind: Bind = (parameter) => {
    parameters.push(parameter);
    return dialect.parameter(parameters.length - 1, parameter.type);
  };
  return { bind, parameters };
}
