/** What is answered at once where it is at hand, and else later: nobody waits for what is there. */
export type Answer<T> = T | Promise<T>;

/** Goes on with an answer: at once, or when it comes. */
export function withAnswer<T, R>(answer: Answer<T>, go: (value: T) => Answer<R>): Answer<R> {
  return answer instanceof Promise ? answer.then(go) : go(answer);
}
