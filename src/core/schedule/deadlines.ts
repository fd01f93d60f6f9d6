import type { Call } from './call.ts';

/**
 * Calls in the order of their deadlines, which is that of their arrival, since all wait equally
 * long. A linked list, so that an answered call, and its body with it, is let go at once.
 */
export class Deadlines<T> {
  first: Call<T> | undefined;
  #last: Call<T> | undefined;

  add(call: Call<T>): void {
    call.earlier = this.#last;
    if (this.#last === undefined) this.first = call;
    else this.#last.later = call;
    this.#last = call;
  }

  /** Does nothing for a call that is not in the list. */
  remove(call: Call<T>): void {
    if (call.earlier === undefined && this.first !== call) return;
    if (call.earlier === undefined) this.first = call.later;
    else call.earlier.later = call.later;
    if (call.later === undefined) this.#last = call.earlier;
    else call.later.earlier = call.earlier;
    call.earlier = undefined;
    call.later = undefined;
  }
}
