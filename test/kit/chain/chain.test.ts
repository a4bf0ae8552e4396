import { Code, type Interceptor } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { forConnect, type Layer, planChain } from "../../../services/kit/chain/chain.js";
import { contractOf, createAgent, expectRefusal, getAgent, pass, requestOf } from "./calls.js";

function noting(name: string, notes: string[]): Layer {
  return () => (next) => async (request) => {
    notes.push(`${name} in`);
    const response = await next(request);
    notes.push(`${name} out`);
    return response;
  };
}

describe("the chain", () => {
  it("passes a call through its layers in the order given, outermost first", async () => {
    const notes: string[] = [];
    await pass([noting("a", notes), noting("b", notes)], requestOf(getAgent), () => {
      notes.push("handler");
      return {};
    });
    expect(notes).toEqual(["a in", "b in", "handler", "b out", "a out"]);
  });

  it("asks each layer once per method when planning, and leaves out one that has nothing to do", async () => {
    const asked: string[] = [];
    const idle: Layer = ({ name }) => {
      asked.push(name);
      return undefined;
    };
    const methods = new Map([getAgent, createAgent].map((method) => [method, contractOf(method)]));
    const plans = planChain(methods, [idle]);
    expect(asked).toEqual([...methods.values()].map(({ name }) => name));
    const next: Parameters<Interceptor>[0] = async () => Promise.reject(new Error("unused"));
    // Nothing is left of a layer without work: the call goes to the handler itself.
    expect(plans.get(getAgent)?.(next)).toBe(next);
    expect(asked).toHaveLength(2);
  });

  it("gives Connect the plan of the method that is called", async () => {
    const notes: string[] = [];
    const methods = new Map([[getAgent, contractOf(getAgent)]]);
    const interceptor = forConnect(planChain(methods, [noting("a", notes)]));
    const next = async () => ({}) as never;
    await interceptor(next)(requestOf(getAgent));
    expect(notes).toEqual(["a in", "a out"]);
  });

  it("refuses a method that has no plan, so that none is served unguarded", async () => {
    const interceptor = forConnect(planChain(new Map(), []));
    const answer = async () => interceptor(async () => ({}) as never)(requestOf(createAgent));
    const error = await expectRefusal(answer(), Code.Unimplemented, "METHOD_UNKNOWN");
    expect(error.rawMessage).toContain("CreateAgent");
  });
});
