/**
 * A model of clients, the proxy and a pool that signs in connections, small enough to explore all states. The
 * proxy's own code decides (`ConnectionAuth`, `ConnectionLabel`, `readHead`, challenges). Clients `a` and `b`
 * sign in by connection, `c` never does. Each has at most one request in flight.
 */
import { readHead } from '../../src/core/admit/request-head.ts';
import { signsInConnection } from '../../src/core/ucwa/credential-scheme.ts';
import { marksConnection } from '../../src/core/answer/challenges.ts';
import { ConnectionLabel, type Owner, shared } from '../../src/core/connection-label.ts';
import { ConnectionAuth } from '../../src/listen/connection-auth.ts';
import type { ClientExchange } from '../../src/listen/client-exchange.ts';
import {
  fieldsOf,
  kindsOf,
  type Client,
  type Connection,
  type Event,
  type Kind,
  type Planted,
  type Request,
  type Wrong,
} from './connection-world.ts';

const maxConnections = 3;
const noFacts = readHead([]);
const schemes = ['NTLM', 'Nego2', undefined];

class NoLabel extends ConnectionLabel {
  override lend(): void {
    // Any client may use the connection.
  }

  override answered(): void {
    // No answer makes the connection unusable.
  }
}

export class ConnectionModel {
  readonly #planted: Planted;
  readonly #auth = new ConnectionAuth(
    () => 'bind',
    () => false,
  );
  #clients: Client[] = ['a', 'b', 'c'].map((name, i) => ({
    name,
    scheme: schemes[i],
    socket: {},
    isBound: false,
    wasChallenged: false,
    inHandshake: false,
    request: undefined,
  }));
  #connections: Connection[] = [];
  #isDraining = false;
  #opened = 0;

  constructor(planted: Planted = {}) {
    this.#planted = planted;
  }

  /** Returns another model in the same state. Both models share the objects of client connections. */
  copy(): ConnectionModel {
    const copy = new ConnectionModel(this.#planted);
    copy.#connections = this.#connections.map((connection) => this.#copied(connection));
    const onTheSame = ({ what, on }: Request): Request => {
      const same = copy.#connections[this.#connections.indexOf(on)];
      if (same === undefined) throw new Error('a request on a connection that is gone');
      return { what, on: same };
    };
    copy.#clients = this.#clients.map((client) => ({
      name: client.name,
      scheme: client.scheme,
      socket: client.socket,
      isBound: client.isBound,
      wasChallenged: client.wasChallenged,
      inHandshake: client.inHandshake,
      request: client.request && onTheSame(client.request),
    }));
    copy.#isDraining = this.#isDraining;
    copy.#opened = this.#opened;
    return copy;
  }

  #copied({ id, owner, label, user, begun }: Connection): Connection {
    const copy = { id, owner, label: this.#newLabel(label.owner), user, begun };
    if (label.borrower !== undefined) copy.label.lend(label.borrower);
    if (label.isSpent) copy.label.spend();
    return copy;
  }

  /** Returns the events that can happen next. */
  events(): Event[] {
    const events: Event[] = [];
    this.#clients.forEach((client, index) => {
      if (client.request !== undefined) events.push({ kind: 'answer', client: index });
      else if (!this.#isDraining) {
        for (const what of kindsOf(client)) {
          for (const on of this.#choices()) events.push({ kind: 'send', client: index, what, on });
        }
      }
      events.push({ kind: 'leave', client: index });
    });
    for (const { id, label } of this.#connections) {
      if (!label.isLent && !this.#isBusy(id)) events.push({ kind: 'close', connection: id });
    }
    events.push({ kind: this.#isDraining ? 'restart' : 'drain' });
    return events;
  }

  /** @returns the fault that the event causes */
  apply(event: Event): Wrong | undefined {
    switch (event.kind) {
      case 'send':
        return this.#send(this.#client(event.client), event.what, event.on);
      case 'answer':
        return this.#answer(this.#client(event.client));
      case 'leave':
        this.#leave(this.#client(event.client));
        return undefined;
      case 'close':
        this.#connections = this.#connections.filter(({ id }) => id !== event.connection);
        return undefined;
      case 'drain':
        this.#isDraining = true;
        return undefined;
      case 'restart':
        this.#isDraining = false;
        for (const client of this.#clients) this.#leave(client);
        this.#connections = [];
        return undefined;
    }
  }

  /** Returns the same text for states that differ only in ways without effect. */
  digest(): string {
    const nameOf = (owner: Owner): string =>
      owner === shared
        ? shared
        : (this.#clients.find(({ socket }) => socket === owner)?.name ?? 'gone');
    const seen = (connection: Connection): string =>
      [
        nameOf(connection.owner),
        connection.user,
        connection.begun,
        connection.label.isSpent,
      ].join();
    const clients = this.#clients.map(
      ({ isBound, wasChallenged, inHandshake, request }) =>
        `${String(isBound)},${String(wasChallenged)},${String(inHandshake)},${request?.what ?? ''},${request ? seen(request.on) : ''}`,
    );
    const free = this.#connections.filter(({ id }) => !this.#isBusy(id)).map(seen);
    return `${clients.join('|')}/${free.sort().join('|')}/${String(this.#isDraining)}`;
  }

  #client(index: number): Client {
    const client = this.#clients[index];
    if (client === undefined) throw new Error('no such client');
    return client;
  }

  #isBusy(id: number): boolean {
    return this.#clients.some(({ request }) => request?.on.id === id);
  }

  #choices(): Array<number | 'new'> {
    const free = this.#connections
      .filter(({ id, owner, label }) => owner === shared && !label.isSpent && !this.#isBusy(id))
      .map(({ id }) => id);
    return this.#connections.length < maxConnections ? [...free, 'new'] : free;
  }

  #send(client: Client, what: Kind, on: number | 'new'): Wrong | undefined {
    const fields = fieldsOf(client, what);
    const facts = readHead(fields);
    const { bindsTooLate, bindsOnChallengeOnly, overlooks } = this.#planted;
    if (overlooks !== undefined && overlooks === client.scheme) facts.signsIn = false;
    const wasBound = client.isBound;
    if (bindsOnChallengeOnly !== true) this.#auth.admit(exchangeOf(client), facts);
    const isBound = bindsTooLate === true ? wasBound : client.isBound;
    const connection = isBound ? this.#own(client) : this.#chosen(on);
    client.request = { what, on: connection };
    const signsIn = signsInConnection(fields);
    try {
      connection.label.lend({ client: client.socket, signsIn, isBound: client.isBound });
    } catch {
      return 'violation';
    }
    return client.wasChallenged && connection.owner !== client.socket
      ? 'not its own connection'
      : undefined;
  }

  #answer(client: Client): Wrong | undefined {
    const { request } = client;
    if (request === undefined) throw new Error('no request is under way');
    const { what, on } = request;
    client.request = undefined;
    const challenge = this.#poolHears(client, what, on);
    const headers = challenge === undefined ? [] : ['WWW-Authenticate', challenge];
    if (what === 'last' || what === 'only') headers.push('Persistent-Auth', 'true');
    on.label.answered(marksConnection(headers));
    on.label.giveBack();
    if (on.label.isSpent) this.#connections = this.#connections.filter((one) => one !== on);
    if (challenge === undefined) {
      const isForeign = on.user !== undefined && on.user !== client.name;
      return isForeign ? 'answered as somebody else' : undefined;
    }
    client.wasChallenged = true;
    if (this.#planted.bindsOnCredentialOnly !== true) {
      this.#auth.relayedFields(exchangeOf(client), 401, headers);
    }
    return undefined;
  }

  /** @returns the challenge of the pool's 401, if the pool answers 401 */
  #poolHears(client: Client, what: Kind, on: Connection): string | undefined {
    if (what === 'first') {
      on.begun = client.name;
      client.inHandshake = true;
      return `${client.scheme ?? ''} T2`;
    }
    if (what === 'last') {
      client.inHandshake = false;
      // The last message must answer a challenge of the same connection.
      if (on.begun !== client.name) return client.scheme ?? '';
      on.user = client.name;
      return undefined;
    }
    if (what === 'only') on.user = client.name;
    return what === 'ticket' && on.user === undefined ? 'NTLM' : undefined;
  }

  #leave(client: Client): void {
    const { socket, request } = client;
    const { givesBackAfterAbort } = this.#planted;
    this.#connections = this.#connections.flatMap((connection) => {
      const isAborted = request?.on === connection;
      if (!isAborted && connection.owner !== socket) return [connection];
      if (givesBackAfterAbort !== true || !isAborted) return [];
      connection.label.giveBack();
      // The planted fault returns the connection to the shared ones, whatever the label says.
      return [{ ...connection, owner: shared }];
    });
    client.socket = {};
    client.isBound = false;
    client.wasChallenged = false;
    client.inHandshake = false;
    client.request = undefined;
  }

  #own({ socket }: Client): Connection {
    const own = this.#connections.find(({ owner }) => owner === socket);
    return own ?? this.#open(socket);
  }

  #chosen(on: number | 'new'): Connection {
    const chosen = this.#connections.find(({ id }) => id === on);
    return chosen ?? this.#open(shared);
  }

  #open(owner: Owner): Connection {
    const id = (this.#opened += 1);
    const label = this.#newLabel(owner);
    const opened = { id, owner, label, user: undefined, begun: undefined };
    this.#connections.push(opened);
    return opened;
  }

  #newLabel(owner: Owner): ConnectionLabel {
    return this.#planted.noLabels === true ? new NoLabel(owner) : new ConnectionLabel(owner);
  }
}

/** The part of an exchange that `ConnectionAuth` uses. */
function exchangeOf(client: Client): ClientExchange {
  const { isBound } = client;
  const exchange = { isBound, bind: () => void (client.isBound = true), head: { facts: noFacts } };
  return exchange as unknown as ClientExchange;
}
