/**
 * Twenty clients of a pool that signs in connections. Half of the clients sign in by connection. In
 * each turn each client takes a step, in an order that a seed decides. No client waits for the
 * steps of others.
 */
import { mulberry32 } from '../../src/simulator/pool/prng.ts';
import { type Asked, me, SigningClient, webTicket } from './signing-client.ts';

const clientCount = 20;
/** Spellings of the schemes by real clients. */
const spellings = ['NTLM', 'Negotiate', 'Nego2', 'ntlm', 'NEGOTIATE', 'nego2'];

export interface CrowdResult {
  readonly turns: number;
  readonly answers: number;
  readonly signedIn: number;
  readonly leavers: number;
  /** Answers for another user, each with the step that got it. */
  readonly foreign: readonly string[];
  /** Connections to the pool that several clients share although one of them got a challenge. */
  readonly shared: readonly string[];
}

/** Counts what happens during a run. */
class Tally {
  answers = 0;
  signedIn = 0;
  leavers = 0;
  readonly foreign: string[] = [];
  readonly shared: string[] = [];
  readonly #usersOf = new Map<number, Set<object>>();
  readonly #owned = new Set<number>();

  /** Records which client used a connection. `isOwn`: no other client may use the connection. */
  used(connection: number, client: object, isOwn: boolean, step: string): void {
    const users = this.#usersOf.get(connection) ?? new Set();
    this.#usersOf.set(connection, users.add(client));
    if (isOwn) this.#owned.add(connection);
    if (this.#owned.has(connection) && users.size > 1) this.shared.push(`${connection}: ${step}`);
  }
}

class CrowdClient {
  readonly name: string;
  readonly #scheme: string | undefined;
  readonly #port: number;
  readonly #random: () => number;
  readonly #result: Tally;
  /** Whether this connection got a challenge. */
  #wasChallenged = false;
  #client: SigningClient;

  constructor(index: number, port: number, random: () => number, result: Tally) {
    this.name = `u${index}`;
    this.#scheme = index % 2 === 0 ? spellings[(index / 2) % spellings.length] : undefined;
    this.#port = port;
    this.#random = random;
    this.#result = result;
    this.#client = new SigningClient(port);
  }

  /** Takes a step. Opens the connection again if it was closed in between. */
  async step(): Promise<void> {
    try {
      await this.#oneOf(this.#scheme === undefined ? this.#plainSteps : this.#signingSteps);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('closed after')) throw error;
      this.#reconnect();
    }
  }

  leave(): void {
    this.#client.raw.leave();
  }

  get #bearer(): string[] {
    return [`Authorization: Bearer ${this.name}`];
  }

  readonly #plainSteps = [
    async () => this.#check('open', await this.#client.ask('/abs/open')),
    async () => this.#check('ticket', await this.#client.ask(webTicket)),
    async () => this.#check('bearer', await this.#client.ask(me, this.#bearer)),
    async () => this.#pipelined(),
    async () => this.#abort(),
  ];

  readonly #signingSteps = [
    ...this.#plainSteps,
    async () => this.#signIn(),
    async () => this.#signIn(),
    async () => this.#check('first', await this.#client.ask(webTicket, [this.#message('T1')])),
    async () => this.#check('write', await this.#client.ask('/abs/open', [], 'a body')),
    async () => this.#abort([this.#message(`T3-${this.name}`)]),
  ];

  #message(text: string): string {
    const blank = this.#random() < 0.1 ? '   ' : ' ';
    return `${this.#random() < 0.5 ? 'Authorization' : 'authorization'}:${blank}${this.#scheme ?? ''} ${text}`;
  }

  #oneOf(steps: ReadonlyArray<() => Promise<void>>): Promise<void> {
    const step = steps[Math.floor(this.#random() * steps.length)];
    return step === undefined ? Promise.resolve() : step();
  }

  async #signIn(): Promise<void> {
    this.#check('first', await this.#client.ask(webTicket, [this.#message('T1')]));
    const asked = await this.#client.ask(webTicket, [this.#message(`T3-${this.name}`)]);
    this.#check('last', asked);
    if (asked.said?.user === this.name) this.#result.signedIn += 1;
    this.#check('signed in', await this.#client.ask('/abs/open'));
  }

  async #pipelined(): Promise<void> {
    this.#client.send('/abs/1');
    this.#client.send(me, this.#bearer);
    this.#check('pipelined', await this.#client.read());
    this.#check('pipelined', await this.#client.read());
  }

  /** Leaves at a random point of a request. */
  async #abort(fields: readonly string[] = []): Promise<void> {
    this.#client.send('/abs/open', fields, this.#random() < 0.5 ? 'a body' : undefined);
    for (let turns = Math.floor(this.#random() * 4); turns > 0; turns -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#result.leavers += 1;
    this.#reconnect();
  }

  #reconnect(): void {
    this.#client.raw.leave();
    this.#client = new SigningClient(this.#port);
    this.#wasChallenged = false;
  }

  #check(step: string, { status, said }: Asked): void {
    this.#result.answers += 1;
    if (status === 401) this.#wasChallenged = true;
    if (said === undefined) return;
    this.#result.used(said.connection, this.#client, this.#wasChallenged, `${this.name}, ${step}`);
    const isOwn = said.user === null || (said.user === this.name && this.#scheme !== undefined);
    const isOwnToken = said.bearer === null || said.bearer === `Bearer ${this.name}`;
    if (!isOwn || !isOwnToken) {
      const as = `${String(said.user)} (${String(said.bearer)})`;
      this.#result.foreign.push(`${this.name}, ${step}: ${status} as ${as}`);
    }
  }
}

/** Ends early when a client gets another client's answer or connection. */
export async function runCrowd(port: number, turns: number, seed: number): Promise<CrowdResult> {
  const random = mulberry32(seed);
  const result = new Tally();
  const crowd = Array.from(
    { length: clientCount },
    (_, index) => new CrowdClient(index, port, random, result),
  );
  let turn = 0;
  for (; turn < turns && result.foreign.length + result.shared.length === 0; turn += 1) {
    await Promise.all(shuffled(crowd, random).map((client) => client.step()));
  }
  for (const client of crowd) client.leave();
  const { answers, signedIn, leavers, foreign, shared } = result;
  return { turns: turn, answers, signedIn, leavers, foreign, shared };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(Math.floor(random() * left.length), 1));
  return order;
}
