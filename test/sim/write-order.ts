/**
 * Compares the order in which writes of a user to one resource arrived at the proxy with the order in which the pool
 * ran them. Only writes that were answered count: the pool may still be working on another one when its caller is told
 * that the result is unknown.
 */
interface Arrived {
  readonly call: number;
  readonly resource: string;
  isAnswered: boolean;
}

export class WriteOrder {
  readonly #byCall = new Map<number, Arrived>();
  /** Calls by resource, in the order of their arrival. */
  readonly #arrivals = new Map<string, Arrived[]>();

  /** @param line the method and the target */
  isOrdered(line: string): boolean {
    return !line.startsWith('GET ');
  }

  /** The whole request has arrived. */
  arrived(user: number, line: string, call: number): void {
    const path = line.slice(line.indexOf(' ') + 1).replace(/\?.*/, '');
    const resource = `${user} ${path}`;
    const arrived = { call, resource, isAnswered: false };
    this.#byCall.set(call, arrived);
    const list = this.#arrivals.get(resource);
    if (list === undefined) this.#arrivals.set(resource, [arrived]);
    else list.push(arrived);
  }

  answered(call: number): void {
    const arrived = this.#byCall.get(call);
    if (arrived !== undefined) arrived.isAnswered = true;
  }

  /** @param ran the numbers of the calls in the order in which they ran */
  violations(ran: readonly number[]): string[] {
    const places = new Map(ran.map((call, place) => [call, place]));
    const found: string[] = [];
    for (const [resource, list] of this.#arrivals) {
      let last: Arrived | undefined;
      for (const arrived of list) {
        const place = places.get(arrived.call);
        if (!arrived.isAnswered || place === undefined) continue;
        if (last !== undefined && place < places.get(last.call)!) {
          found.push(`call ${arrived.call} ran before call ${last.call}, to ${resource}`);
        }
        last = arrived;
      }
    }
    return found;
  }
}
