/**
 * To whom a connection to the pool belongs (I9). A shared connection carries requests whose credentials
 * are self-contained, of all users in turn. A bound connection belongs to one connection of a client,
 * since a sign-in may be kept on it. The label is checked when a connection is lent and at each
 * write, apart from the code that chose the connection.
 *
 *     idle --lend--> lent --giveBack--> idle
 *     lent --an answer marks it, shared--> lent, spent --giveBack--> spent (to be closed)
 */
import { InvariantViolation } from './invariants.ts';

/** The owner of a connection that all users share. */
export const shared = 'shared';

/** `shared`, or the client's connection that a bound one belongs to. */
export type Owner = typeof shared | object;

/** What is about to write a request to a connection. */
export interface Borrower {
  /** The client's connection that the request came on; `undefined` for a batch or a single call. */
  readonly client: object | undefined;
  /** The name of the user, where it is known. */
  readonly user?: string | undefined;
  /** Whether the request carries a credential that signs in the connection. */
  readonly signsIn: boolean;
  /** Whether the client's connection has been bound to a connection to the pool. */
  readonly isBound: boolean;
}

export class ConnectionLabel {
  readonly owner: Owner;
  #borrower: Borrower | undefined;
  #isSpent = false;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  get borrower(): Borrower | undefined {
    return this.#borrower;
  }

  get isLent(): boolean {
    return this.#borrower !== undefined;
  }

  /** Whether no further request may be sent on the connection: it is closed behind its answer. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** @throws InvariantViolation when the request must not be written to this connection */
  lend(borrower: Borrower): void {
    if (this.#isSpent) this.#break('a spent connection was lent again');
    if (this.#borrower !== undefined) this.#break('two requests at a time on one connection');
    if (this.owner === shared) {
      if (borrower.signsIn) this.#break('a sign-in on a connection that others share');
      if (borrower.isBound) this.#break('a bound client on a connection that others share');
    } else if (borrower.client !== this.owner) {
      this.#break("a connection that is another client's");
    }
    this.#borrower = borrower;
  }

  /** @throws InvariantViolation when the connection is lent to no request */
  assertMayWrite(): void {
    if (this.#borrower === undefined) this.#break('a write that no request asked for');
  }

  /**
   * The head of an answer came, `marks`: see `marksConnection`. A shared connection that is marked
   * is spent.
   */
  answered(marks: boolean): void {
    if (this.owner === shared && (marks || this.#borrower?.signsIn === true)) this.#isSpent = true;
  }

  spend(): void {
    this.#isSpent = true;
  }

  giveBack(): void {
    this.#borrower = undefined;
  }

  /** Nothing more is written to a connection that was about to be misused. */
  #break(message: string): never {
    this.#isSpent = true;
    throw new InvariantViolation('own_connection', message);
  }
}
