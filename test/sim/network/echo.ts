/**
 * A faulty pool that answers twice. The second answer comes while the connection rests, so the proxy has to close the
 * connection. It never comes after another request of the same user, because no proxy could tell it from the answer.
 */
import { readMessage } from '../../failures/chaos/read-message.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Line } from './line.ts';

/** Longest time between the two answers, in ms. It is shorter than each rest of a connection. */
const maxGapMs = 5;
const credential = /^authorization: *(.*)$/im;

export class Echo {
  #user = '';
  #requests = 0;
  #answer = Buffer.alloc(0);

  constructor(
    time: VirtualTime,
    random: () => number,
    up: Line,
    down: Line,
    deliver: (answer: Buffer) => void,
  ) {
    up.onSent = (bytes) => {
      this.#requests += 1;
      this.#answer = Buffer.alloc(0);
      this.#user = credential.exec(bytes.toString('latin1'))?.[1] ?? this.#user;
    };
    down.onSent = (bytes) => {
      const answer = Buffer.concat([this.#answer, bytes]);
      this.#answer = answer;
      const message = readMessage(answer.toString('latin1'));
      if (typeof message === 'string' || message.length !== answer.length || message.closes) return;
      const user = this.#user;
      const requests = this.#requests;
      time.immediately(() => {
        time.at(down.arrivesMs + random() * maxGapMs, () => {
          const isNext = this.#requests !== requests;
          if (!down.isHealed && !down.hasFailed && (!isNext || this.#user !== user))
            deliver(answer);
        });
      });
    };
  }
}
