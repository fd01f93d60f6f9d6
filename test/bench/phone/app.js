/** The app on the phone: what it asks when it starts, in an event storm, and in a quiet hour. */

import { EventEmitter, once } from 'node:events';

/** Approximate length of a web ticket. The tokens that the simulator issues are shorter. */
const tokenLength = 400;

const root = '/Autodiscover/AutodiscoverService.svc/root';

/** What the app reads at once after its application exists. */
const firstResources = [
  ...['me/presence', 'me/note', 'me/location', 'me/phones', 'me/callForwardingSettings'],
  ...['policies', 'people', 'people/groups', 'people/groupMemberships'],
  ...['people/presenceSubscriptions', 'people/subscribedContacts'],
  ...['communication', 'communication/conversations', 'communication/missedItems'],
  ...['onlineMeetings', 'onlineMeetings/policies', 'onlineMeetings/defaultValues'],
  'onlineMeetings/phoneDialInInformation',
];

/** @typedef {{ rel: string, href: string }} Change */

/**
 * @param {number} contacts
 * @param {number} from number of the first contact
 * @returns {Change[]} a new presence and a new note of each contact
 */
export function changesOf(contacts, from = 0) {
  return Array.from({ length: contacts }, (_, index) => {
    const contact = `people/contact.${from + index}@pool.example`;
    return [
      { rel: 'contactPresence', href: `${contact}/presence` },
      { rel: 'contactNote', href: `${contact}/note` },
    ];
  }).flat();
}

export class App {
  #phone;
  #user;
  #token = '';
  #base = '';
  #events = '';
  #requests = 0;
  #news = new EventEmitter();
  #readSets = 0;
  #isClosed = false;

  /**
   * @param {import('./phone.js').Phone} phone
   * @param {string} user a word
   */
  constructor(phone, user) {
    this.#phone = phone;
    this.#user = user;
  }

  get user() {
    return this.#user;
  }

  /** Number of requests that the app has sent. */
  get requests() {
    return this.#requests;
  }

  /** Signs in, creates an application, and reads what the first screen shows. */
  async start() {
    await this.#json(root, 200);
    const challenge = await this.#ask(`${root}/oauth/user`, {}, 401);
    const href = /MsRtcOAuth href="([^"]+)"/.exec(String(challenge.headers['www-authenticate']));
    await this.#signIn(pathOf(href?.[1] ?? ''));
    const user = await this.#json(`${root}/oauth/user`, 200);
    const created = await this.#ask(
      pathOf(user._links.applications.href),
      json({ UserAgent: 'Phone', EndpointId: this.#user, Culture: 'en-US' }),
      201,
    );
    const application = JSON.parse(created.text);
    this.#base = pathOf(application._links.self.href);
    this.#events = pathOf(application._links.events.href);
    const available = json({ SupportedModalities: ['Messaging'] });
    await Promise.all([
      this.#ask(`${this.#base}/me/makeMeAvailable`, available, 204),
      ...firstResources.map((href) => this.read(href)),
      this.#readContacts(),
    ]);
  }

  /**
   * Polls for events, and reads each resource that an event names.
   *
   * @returns {Promise<void>} resolves after `close`; rejects if an answer is wrong
   */
  async follow() {
    try {
      let poll = this.#json(this.#events, 200);
      while (!this.#isClosed) {
        const answer = await poll;
        this.#events = pathOf(answer._links.next.href);
        // The next poll leaves first, so that no read delays it.
        poll = this.#json(this.#events, 200);
        poll.catch(() => undefined);
        await this.#readChanged(answer);
      }
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
  }

  /** Number of answers with events after which the app has read all resources in them. */
  get readSets() {
    return this.#readSets;
  }

  /**
   * @param {number} count
   * @returns {Promise<void>} resolves when `readSets` is at least `count`
   */
  async hasRead(count) {
    while (this.#readSets < count) await once(this.#news, 'read');
  }

  close() {
    this.#isClosed = true;
    this.#phone.close();
  }

  /** @param {any} answer */
  async #readChanged({ sender = [] }) {
    const paths = sender.flatMap((/** @type {any} */ one) =>
      one.events.map((/** @type {any} */ event) => pathOf(event.link.href)),
    );
    if (paths.length === 0) return;
    await Promise.all([...new Set(paths)].map((path) => this.#read(path)));
    this.#readSets += 1;
    this.#news.emit('read');
  }

  async #readContacts() {
    const list = await this.read('people/contacts');
    await Promise.all(
      list._embedded.contact.flatMap((/** @type {any} */ { _links: links }) => [
        this.#read(pathOf(links.contactPresence.href)),
        this.#read(pathOf(links.contactNote.href)),
      ]),
    );
  }

  /** @param {string} href below the application */
  read(href) {
    return this.#read(`${this.#base}/${href}`);
  }

  /** @param {string} path */
  async #read(path) {
    const answer = await this.#json(path, 200);
    const self = answer._links?.self?.href ?? '';
    if (decodeURIComponent(pathOf(self)) !== decodeURIComponent(path)) {
      throw new Error(`${path} got the answer of ${self}`);
    }
    return answer;
  }

  /** @param {string} path */
  async #signIn(path) {
    const form = `grant_type=password&username=${this.#user}&password=secret`;
    const type = 'application/x-www-form-urlencoded';
    await this.#ask(path, { method: 'POST', body: form, fields: { 'content-type': type } }, 200);
    this.#token = `cwt=sim-${this.#user}-`.padEnd(tokenLength, 'A');
  }

  /**
   * @param {string} path
   * @param {number} status
   */
  async #json(path, status) {
    return JSON.parse((await this.#ask(path, {}, status)).text);
  }

  /**
   * @param {string} path
   * @param {Partial<import('./phone.js').Call>} call
   * @param {number} status the expected one
   */
  async #ask(path, { fields, ...call }, status) {
    this.#requests += 1;
    const answer = await this.#phone.ask(path, {
      ...call,
      fields: {
        accept: 'application/json',
        'accept-encoding': 'gzip',
        'accept-language': 'en-US',
        'user-agent': 'Phone/1.0 (UCWA)',
        'x-ms-requiresminresourceversion': '2',
        ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
        ...fields,
      },
    });
    if (answer.status === status) return answer;
    throw new Error(`${path} was answered ${answer.status}, not ${status}: ${answer.text}`);
  }
}

/** @param {object} body */
function json(body) {
  return {
    method: 'POST',
    body: JSON.stringify(body),
    fields: { 'content-type': 'application/json' },
  };
}

/** @param {string} href absolute or relative */
function pathOf(href) {
  const { pathname, search } = new URL(href, 'https://phone.example');
  return pathname + search;
}
