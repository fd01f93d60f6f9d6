/** Many clients sign in, ask, leave and come back at once, beside others that never sign in. */
import { expect } from '@jest/globals';
import { mulberry32 } from '../../../src/simulator/pool/prng.ts';
import { onlyWith } from '../../support/real-parts.ts';
import {
  me,
  open,
  protocols,
  SignInClient,
  signInPython,
  startBinding,
  ticket,
  type Heard,
  type User,
} from './parts.ts';
import { Stranger } from './stranger.ts';

const turns = 60;
const testWithSignIn = onlyWith('curl', signInPython);

/** A client that takes random steps, and knows the answer that IIS would give to each step. */
class Wanderer {
  /** Connections on which the client was challenged or signed in. */
  readonly connections = new Set<number>();
  signIns = 0;
  readonly #client: SignInClient;
  readonly #user: User;
  readonly #random: () => number;
  #state: 'nobody' | 'challenged' | 'signed in' = 'nobody';

  constructor(client: SignInClient, user: User, random: () => number) {
    this.#client = client;
    this.#user = user;
    this.#random = random;
  }

  async wander(): Promise<void> {
    const draw = this.#random();
    if (draw < 0.1) {
      await this.#client.leave();
      this.#state = 'nobody';
    } else if (draw < 0.3 && this.#state !== 'challenged') {
      this.#heard(await this.#client.begin(ticket), 401, null);
      this.#state = 'challenged';
    } else if (draw < 0.8 && this.#state === 'challenged') {
      this.#heard(await this.#client.finish(me), 200, this.#user);
      this.#state = 'signed in';
      this.signIns += 1;
    } else {
      // A request without a credential ends a handshake.
      if (this.#state === 'challenged') this.#state = 'nobody';
      const isSignedIn = this.#state === 'signed in';
      const path = draw < 0.9 ? me : open;
      const answer = await this.#client.plain(path);
      const status = isSignedIn || path === open ? 200 : 401;
      this.#heard(answer, status, isSignedIn ? this.#user : null);
    }
  }

  #heard(answer: Heard, status: number, signedInAs: User | null): void {
    expectWord(answer, status, signedInAs);
    // Before a challenge the client may share a connection.
    if (this.#state !== 'nobody') this.connections.add(answer.pool.connection);
  }
}

function expectWord({ status, pool }: Heard, expected: number, signedInAs: User | null): void {
  expect([status, pool.signedInAs]).toEqual([expected, signedInAs]);
}

testWithSignIn(
  `of four clients that sign in, leave and come back and two that never sign in, none is answered as another one in ${turns} turns each`,
  async () => {
    const { pool, proxy } = await startBinding();
    const wanderers = (['alice', 'bob'] as const).flatMap((user, index) =>
      protocols.map((protocol, other) => {
        const client = new SignInClient(proxy.url, protocol, user);
        return new Wanderer(client, user, mulberry32(2 * index + other));
      }),
    );
    const strangers = [new Stranger(proxy.port), new Stranger(proxy.port)];
    const repeat = async (turn: () => Promise<void>, times: number): Promise<void> => {
      for (let left = times; left > 0; left -= 1) await turn();
    };
    await Promise.all([
      ...wanderers.map((one) => repeat(() => one.wander(), turns)),
      // `look` sends five requests.
      ...strangers.map((one) => repeat(() => one.look(), turns / 5)),
    ]);
    const owned = wanderers.flatMap(({ connections }) => [...connections]);
    expect(new Set(owned).size).toBe(owned.length);
    const theirs = new Set(strangers.flatMap(({ told }) => told).map((word) => word.connection));
    expect(owned.filter((connection) => theirs.has(connection))).toEqual([]);
    const signIns = wanderers.reduce((sum, one) => sum + one.signIns, 0);
    expect(signIns).toBeGreaterThan(20);
    expect(await pool.tally()).toMatchObject({ signIns });
  },
);

testWithSignIn(
  'if only one connection may be bound, a client that signs in takes the place of an idle one, and is not answered as its user',
  async () => {
    const { pool, proxy } = await startBinding({ UCWA_PROXY_UPSTREAM_MAX_BOUND_CONNECTIONS: '1' });
    const alice = new SignInClient(proxy.url, 'ntlm', 'alice');
    const bob = new SignInClient(proxy.url, 'negotiate', 'bob');
    const told = async (answer: Promise<Heard>): Promise<unknown> => {
      const { status, pool: word } = await answer;
      return [status, word.signedInAs];
    };
    expect(await told(alice.signIn(ticket))).toEqual([200, 'alice']);
    expect(await told(bob.signIn(ticket))).toEqual([200, 'bob']);
    expect(await told(alice.plain(me))).toEqual([401, null]);
    expect(await told(bob.plain(me))).toEqual([401, null]);
    // The proxy does not replace a connection in the middle of a handshake.
    expect(await told(alice.begin(ticket))).toEqual([401, null]);
    expect((await bob.begin(ticket)).status).toBe(503);
    expect(await told(alice.finish(ticket))).toEqual([200, 'alice']);
    expect(await pool.tally()).toMatchObject({ signIns: 3 });
    expect(await told(bob.plain(me))).toEqual([401, null]);
    expect(await told(alice.plain(me))).toEqual([401, null]);
  },
);
