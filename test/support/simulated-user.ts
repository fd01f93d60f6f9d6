/** A user who talks to a simulated pool directly, with one application. */
import { bearer, type ClientAnswer, json, send } from '../simulator/http-client.ts';

export interface UserEvent {
  readonly type: string;
  readonly status?: string;
  readonly reason?: { readonly subcode: string };
  readonly link: { readonly rel: string; readonly href: string };
  readonly in?: { readonly rel: string };
  readonly _embedded?: Readonly<Record<string, Embedded>>;
}

type Embedded = Readonly<Record<string, unknown>> & { readonly _links: UserLinks };

export type UserLinks = Readonly<Record<string, { readonly href: string } | undefined>>;

export class SimulatedUser {
  readonly base: string;
  readonly #poolUrl: string;
  readonly #name: string;
  #next: string;

  /** @param id application id; the pool must know it, or accept any id */
  constructor(poolUrl: string, name: string, id: string) {
    this.#poolUrl = poolUrl;
    this.#name = name;
    this.base = `/ucwa/oauth/v1/applications/${id}`;
    this.#next = `${this.base}/events?ack=1`;
  }

  /** Returns an available user with a new application. */
  static async signIn(poolUrl: string, name: string): Promise<SimulatedUser> {
    const created = await send(`${poolUrl}/ucwa/oauth/v1/applications`, {
      method: 'POST',
      headers: { ...bearer(name), 'Content-Type': 'application/json' },
      body: JSON.stringify({ EndpointId: name }),
    });
    const user = new SimulatedUser(poolUrl, name, String(json(created)['id']));
    await user.post('me/makeMeAvailable', '{}');
    return user;
  }

  ask(href: string, method = 'GET', body = '', type = 'application/json'): Promise<ClientAnswer> {
    const headers = { ...bearer(this.#name), 'Content-Type': type };
    return send(this.#poolUrl + href, { method, headers, body });
  }

  /** Posts to an href, or to a path below the application. */
  post(path: string, body = '', type?: string): Promise<ClientAnswer> {
    return this.ask(path.startsWith('/') ? path : `${this.base}/${path}`, 'POST', body, type);
  }

  async events(): Promise<UserEvent[]> {
    const answer = json(await this.ask(this.#next)) as unknown as {
      _links: { next: { href: string } };
      sender?: ReadonlyArray<{ events: UserEvent[] }>;
    };
    this.#next = answer._links.next.href;
    return (answer.sender ?? []).flatMap(({ events }) => events);
  }

  /** Resolves to the first event of this type and relation that satisfies the condition. */
  async until(
    type: string,
    rel: string,
    holds: (event: UserEvent) => boolean = () => true,
  ): Promise<UserEvent> {
    for (;;) {
      const found = (await this.events()).find(
        (event) => event.type === type && event.link.rel === rel && holds(event),
      );
      if (found) return found;
    }
  }

  /** Invites a user, and waits until the user has accepted. Returns the link for messages. */
  async converse(to: string): Promise<string> {
    await this.post('communication/messagingInvitations', JSON.stringify({ to, subject: 'hello' }));
    const connected = await this.until('updated', 'messaging', isConnected);
    return linkOf(connected, 'messaging', 'sendMessage');
  }

  /** Resolves to the text of the next incoming message. */
  async heard(): Promise<string> {
    const received = await this.until('completed', 'message', isIncoming);
    const [, text = ''] = linkOf(received, 'message', 'plainMessage').split(',');
    return decodeURIComponent(text);
  }
}

/** Returns the href of a link of the resource `rel` in an event. */
export function linkOf(event: UserEvent, rel: string, link: string): string {
  return event._embedded?.[rel]?._links[link]?.href ?? '';
}

export const isConnected = (event: UserEvent): boolean =>
  event._embedded?.['messaging']?.['state'] === 'Connected';

export const isIncoming = (event: UserEvent): boolean =>
  event._embedded?.['message']?.['direction'] === 'Incoming';
