/**
 * The owner of a connection to the pool (invariant I9). A shared connection carries requests of all users in
 * turn, if their credentials are self-contained. A bound connection belongs to one connection of a client,
 * because the pool may keep a sign-in on the bound connection. The label is checked when a connection is lent
 * and at each write. These checks are independent of the code that chooses the connection.
 *
 *     idle --lend--> lent --giveBack--> idle
 *     lent --an answer marks it, shared--> lent, spent --giveBack--> spent (to be closed)
 */
import { InvariantViolation } from './invariants.ts';

/** The owner value of a connection that all users share. */
export const shared = 'shared';

/** `shared`, or the client connection to which a bound connection belongs. */
export type Owner = typeof shared | object;

/** The request to which a connection is lent. */
export interface Borrower {
  /** The client connection on which the request arrived; `undefined` for a batch or an unbatched call. */
  readonly client: object | undefined;
  /** The name of the user, if known; see `BatchKey.user`. */
  readonly user?: string | undefined;
  /** Whether the request carries a credential that signs in the connection. */
  readonly signsIn: boolean;
  /** Whether the client connection has a bound connection to the pool. */
  readonly isBound: boolean;
}

/** The label of one connection to the pool. */
export class ConnectionLabel {
  readonly owner: Owner;
  #borrower: Borrower | undefined;
  #isSpent = false;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  /** The request to which the connection is lent now; `undefined` if the connection is idle. */
  get borrower(): Borrower | undefined {
    return this.#borrower;
  }

  get isLent(): boolean {
    return this.#borrower !== undefined;
  }

  /**
   * Whether no further request may be sent on the connection. A spent connection is closed after its response.
   */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /**
   * Lends the connection to a request.
   *
   * @throws InvariantViolation if the request must not be sent on this connection
   */
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

  /** @throws InvariantViolation if the connection is lent to no request */
  assertMayWrite(): void {
    if (this.#borrower === undefined) this.#break('a write that no request asked for');
  }

  /**
   * Records that the head of a response arrived.
   *
   * @param marks the result of `marksConnection` for the head; a marked shared connection is spent
   */
  answered(marks: boolean): void {
    if (this.owner === shared && (marks || this.#borrower?.signsIn === true)) this.#isSpent = true;
  }

  /** Forbids further requests on the connection. */
  spend(): void {
    this.#isSpent = true;
  }

  /** Ends the loan of the connection to its request. */
  giveBack(): void {
    this.#borrower = undefined;
  }

  /** Spends the connection, so that no caller writes to the misused connection again. */
  #break(message: string): never {
    this.#isSpent = true;
    throw new InvariantViolation('own_connection', message);
  }
}
