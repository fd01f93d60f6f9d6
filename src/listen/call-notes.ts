/** Notes about a call, for the log and for its answer. */
export class CallNotes {
  /** The id of the client, else an id of the proxy. */
  readonly id: string;
  /** Why the proxy refused the call, or answered it itself. See `Reply.cause`. */
  cause: string | undefined;

  constructor(id: string) {
    this.id = id;
  }
}
