import { create, type DescMethod } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { FieldRulesSchema } from "#gen/ts/buf/validate/validate_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { BadRequestSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { planChain } from "../../../services/kit/chain/chain.js";
import { uncompilableRules, validate } from "../../../services/kit/chain/validate.js";
import { type MethodContract, resolveContract } from "../../../services/kit/contract/method.js";
import { oddService } from "../contract/odd-contract.js";
import { contractOf, expectRefusal, messagesOf, pass, requestOf, watch } from "./calls.js";

const { login } = AuthService.method;

function oddContract(expression: string): MethodContract {
  const service = oddService({
    policy: { workload: Workload.AGENTS, callers: [Workload.GATEWAY], deadlineMs: 500 },
    methods: { Get: { policy: { access: { case: "public", value: true } } } },
    rules: create(FieldRulesSchema, { cel: [{ id: "odd", message: "is odd", expression }] }),
  });
  const [contract] = resolveContract([service]).methods.values();
  if (!contract) throw new Error("the contract has no method");
  return contract;
}

/** Passes a message through the layer of a method that is not of the contract. */
const passOdd = async (contract: MethodContract, message: object) => {
  const method = contract.method as DescMethod;
  const plan = planChain(new Map([[method, contract]]), [validate()]).get(method);
  return plan?.(async () => ({ stream: false }) as never)(requestOf(method, { message }));
};

describe("validation", () => {
  it("lets a request that keeps the rules pass", async () => {
    await pass([validate()], requestOf(login, { message: { username: "ada", password: "x" } }));
  });

  it("refuses one that breaks them, naming every field", async () => {
    const request = requestOf(login, { message: { username: "x".repeat(51) } });
    const answer = pass([validate()], request, () => {
      throw new Error("the handler was reached");
    });
    const error = await expectRefusal(answer, Code.InvalidArgument, "VALIDATION_FAILED");
    const [details] = error.findDetails(BadRequestSchema);
    expect(details?.fieldViolations.map(({ field }) => field)).toEqual(["username", "password"]);
    expect(error.rawMessage).toMatch(/username: .*50.*password: /);
  });

  it("never quotes the value that broke a rule", async () => {
    const secret = "hunter2".repeat(100);
    const answer = pass([validate()], requestOf(login, { message: { username: "ada", password: secret } }));
    const error = await expectRefusal(answer, Code.InvalidArgument, "VALIDATION_FAILED");
    expect(JSON.stringify([error.message, error.findDetails(BadRequestSchema)])).not.toContain("hunter2");
  });

  it("looks at each message of a stream as it comes", async () => {
    const method = { ...login, methodKind: "client_streaming" } as unknown as DescMethod;
    const contract = { ...contractOf(watch), method } as MethodContract;
    const plan = planChain(new Map([[method, contract]]), [validate()]).get(method);
    const message = (async function* () {
      yield create(login.input, { username: "ada", password: "x" });
      yield create(login.input, {});
    })();
    const request = { ...requestOf(watch), message } as never;
    const seen: unknown[] = [];
    const answer = plan?.(async (inner) => {
      for await (const one of inner.message as AsyncIterable<unknown>) seen.push(one);
      return {} as never;
    })(request);
    await expectRefusal(answer ?? messagesOf({} as never), Code.InvalidArgument, "VALIDATION_FAILED");
    expect(seen).toHaveLength(1);
  });

  it("has nothing to do for a request that has no rule, not even further in", () => {
    expect(validate()(contractOf(watch))).toBeUndefined();
    const rules = create(FieldRulesSchema, { cel: [{ id: "odd", message: "is odd", expression: "true" }] });
    const nested = (inner?: typeof rules) => {
      const [method] = oddService({ methods: { Get: {} }, ...(inner && { rules: inner }) }).methods;
      const [field] = method!.input.fields;
      const outer = { ...method!.input, fields: [{ ...field, message: method!.input, proto: {} }] };
      return validate()({ ...contractOf(login), method: { ...method, input: outer } } as never);
    };
    expect(nested()).toBeUndefined();
    expect(nested(rules)).toBeDefined();
  });

  it("is our fault, not the caller's, when a rule fails to run", async () => {
    const contract = oddContract("int(this) > 1");
    await passOdd(contract, { text: "2" });
    await expectRefusal(passOdd(contract, { text: "1" }), Code.InvalidArgument, "VALIDATION_FAILED");
    await expectRefusal(passOdd(contract, { text: "two" }), Code.Internal, "INTERNAL");
  });
});

describe("rules that do not compile", () => {
  it("are found before anybody calls", () => {
    const problems = uncompilableRules([oddContract("this.nonsense(")]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^odd\.v1\.Odd: /);
  });

  it("are INTERNAL at a call, not the caller's fault", async () => {
    const answer = passOdd(oddContract("this.nonsense("), { text: "a" });
    await expectRefusal(answer, Code.Internal, "INTERNAL");
  });

  it("do not exist in the contract", () => {
    const methods = Object.values(AuthService.method).map(contractOf);
    expect(uncompilableRules(methods)).toEqual([]);
  });
});
