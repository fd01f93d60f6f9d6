/**
 * The limit for the open connections to all servers of a pool. Each server has its own connections. At the limit
 * the proxy closes an idle connection to another server to make room.
 */

/** The connections to one server. */
export interface RoomMember {
  /** Closes the connection that has been idle for longest. Returns `false` if none is idle. */
  closeIdlest(): boolean;
  /** Gives connections to waiting requests, if there is room. */
  serve(): void;
}

export class ConnectionRoom {
  readonly #max: number;
  readonly #members = new Set<RoomMember>();
  /** Connections that are open or about to close. */
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  join(member: RoomMember): void {
    this.#members.add(member);
  }

  /** The member opens no more connections. */
  quit(member: RoomMember): void {
    this.#members.delete(member);
  }

  /** Takes room for one more connection. Without room, `serve` of the member follows when a connection closes. */
  enter(member: RoomMember): boolean {
    if (this.#open < this.#max) {
      this.#open += 1;
      return true;
    }
    for (const other of this.#members) if (other !== member && other.closeIdlest()) break;
    return false;
  }

  leave(): void {
    this.#open -= 1;
    for (const member of this.#members) member.serve();
  }
}
