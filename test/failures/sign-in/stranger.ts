import { expect } from '@jest/globals';
import { RawClient } from '../../support/raw-client.ts';
import { me, open, ticket, type PoolWord } from './parts.ts';

/** Asks without a sign-in, with and without a token, on connections that no other client has. */
export class Stranger {
  /** The answers, in order. */
  readonly told: PoolWord[] = [];
  readonly #port: number;
  readonly #old: RawClient;

  constructor(port: number) {
    this.#port = port;
    this.#old = new RawClient(port);
  }

  /** Asks on a kept connection and on new ones. */
  async look(): Promise<void> {
    await this.#ask(this.#old, open);
    for (const path of [open, ticket, me]) await this.#askAnew(path);
    await this.#askAnew(me, 'Authorization: Bearer cwt=of-a-stranger\r\n');
  }

  async #askAnew(path: string, fields = ''): Promise<void> {
    const client = new RawClient(this.#port);
    await this.#ask(client, path, fields);
    client.leave();
  }

  async #ask(client: RawClient, path: string, fields = ''): Promise<void> {
    client.send(`GET ${path} HTTP/1.1\r\nHost: pool.example\r\n${fields}\r\n`);
    const { status, body } = await client.readAnswer();
    const text = body.toString();
    expectNobody(status, text, path);
    this.told.push(JSON.parse(text) as PoolWord);
  }
}

function expectNobody(status: number, text: string, path: string): void {
  expect({ status, text }).toEqual({
    status: path === open ? 200 : 401,
    text: expect.stringContaining('"signedInAs": null'),
  });
}
