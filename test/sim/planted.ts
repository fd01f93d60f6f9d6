/**
 * Bugs that a test plants around real parts, to show that the simulation finds them. A bug strikes once in a number
 * of times, as a rare bug does.
 */
import { Client, type Dispatcher } from 'undici';
import { PartReplies } from '../../src/core/answer/fan-out.ts';
import type { Reply } from '../../src/core/messages/reply.ts';
import { Coalescer } from '../../src/core/schedule/coalescer.ts';
import { PoolClients } from '../../src/upstream/pool-clients.ts';
import { firstPort } from './network/memory-network.ts';

const strikesOnceIn = 20;

/** Calls wait only when most permits are lost. */
const losesOnceIn = 4;

/** Returns whether this time is one in `onceIn`. */
function strikes(onceIn: number): () => boolean {
  let times = 0;
  return () => (times += 1) % onceIn === 0;
}

/** Replaces a method of a class by one that has the method inside. */
function wrap<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  around: (inner: T[K]) => T[K],
): void {
  prototype[name] = around(prototype[name]);
}

/** A handler that takes an answer, and closes its connection. */
function deaf(client: Client): Dispatcher.DispatchHandler {
  const close = (): void => void client.close();
  return {
    onConnect: () => undefined,
    onHeaders: () => true,
    onData: () => true,
    onComplete: close,
    onError: close,
  };
}

/** Whether the caller is a part of the proxy. The first two lines are the message and the bug itself. */
function isInProxy(stack: string): boolean {
  const caller = stack.split('\n')[3] ?? '';
  return caller.includes('/src/') && !caller.includes('/src/simulator/');
}

const bugs: Readonly<Record<string, (isTurn: () => boolean) => void>> = {
  /** A permit for which there is nothing to send is not given back. */
  'permit lost': (isTurn) =>
    wrap(
      Coalescer.prototype,
      'dispatch',
      (dispatch) =>
        function (this: Coalescer<unknown>, ...told) {
          return dispatch.apply(this, told) || isTurn();
        },
    ),
  /** A caller gets the part before its own. */
  'part shifted'(isTurn) {
    const before = new WeakMap<PartReplies, Reply>();
    wrap(
      PartReplies.prototype,
      'of',
      (replyTo) =>
        function (this: PartReplies, part, asked) {
          const reply = replyTo.call(this, part, asked);
          const last = before.get(this);
          before.set(this, reply);
          return last !== undefined && isTurn() ? { ...last, asked } : reply;
        },
    );
  },
  /** A connection serves another user without a rest, so a second answer can reach that user. */
  'connection shared': () =>
    wrap(
      PoolClients.prototype,
      'release',
      (release) =>
        function (this: PoolClients, client, isWhole) {
          release.call(this, client, isWhole);
          client.freeSinceMs = -Infinity;
        },
    ),
  /** A timer that the proxy cancelled stays. */
  'timer forgotten'(isTurn) {
    const { clearTimeout, clearInterval } = globalThis;
    const isForgotten = (): boolean => isInProxy(new Error().stack ?? '') && isTurn();
    globalThis.clearTimeout = (timer) => {
      if (!isForgotten()) clearTimeout(timer);
    };
    globalThis.clearInterval = (timer) => {
      if (!isForgotten()) clearInterval(timer);
    };
  },
  /** A write is sent twice: the second time on a connection of its own, past all checks of connections. */
  'write repeated': (isTurn) =>
    wrap(
      Client.prototype,
      'dispatch',
      (dispatch) =>
        function (this: Client, options, handler) {
          if (options.method !== 'GET' && isTurn()) {
            const again = new Client(`http://127.0.0.1:${firstPort}`);
            dispatch.call(again, options, deaf(again));
          }
          return dispatch.call(this, options, handler);
        },
    ),
};

/** @throws RangeError for an unknown bug */
export function plant(name: string): void {
  const bug = bugs[name];
  if (bug === undefined)
    throw new RangeError(`unknown bug: ${name}; known: ${Object.keys(bugs).join(', ')}`);
  bug(strikes(name === 'permit lost' ? losesOnceIn : strikesOnceIn));
}
