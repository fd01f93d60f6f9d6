/** Drives Chromium by its DevTools protocol, over pipes: no port, and no package. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { onCleanup } from './cleanup.ts';

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly exceptionDetails?: unknown; readonly entry?: { text?: string } };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** One page of a browser. */
export interface BrowserPage {
  /** Returns the value of an expression, or of its promise. */
  evaluate<T>(expression: string): Promise<T>;
  /** Resolves once the expression is true. */
  until(expression: string): Promise<void>;
  goTo(url: string): Promise<void>;
  /** Sends a command of the protocol. */
  send(method: string, params?: object): Promise<unknown>;
  screenshot(): Promise<Buffer>;
  /** Errors and warnings of the page: exceptions, violations of its policy, failed requests. */
  readonly complaints: readonly string[];
}

const pollEveryMs = 30;

/** Starts a browser with one page, which finds no host but this machine. */
export async function openBrowser(width = 1280, height = 900): Promise<BrowserPage> {
  const folder = mkdtempSync(join(tmpdir(), 'ucwa-batch-proxy-browser-'));
  const child = spawn(
    'chromium',
    [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
      ...['--no-first-run', '--disable-background-networking', '--disable-component-update'],
      ...['--remote-debugging-pipe', `--window-size=${width},${height}`],
      '--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ...[`--user-data-dir=${folder}`, 'about:blank'],
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true },
  );
  const exited = once(child, 'exit');
  onCleanup(async () => {
    // The browser has several processes, in a group of their own.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const pipes = child.stdio as unknown as [null, null, null, Writable, Readable];
  return connect(pipes[3], pipes[4]);
}

async function connect(toBrowser: Writable, fromBrowser: Readable): Promise<BrowserPage> {
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  let lastId = 0;
  let rest = '';
  const session: { id?: string } = {};
  toBrowser.on('error', () => undefined);
  fromBrowser.setEncoding('utf8');
  fromBrowser.on('error', () => undefined);
  fromBrowser.on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop() ?? '';
    for (const one of messages) {
      const message = JSON.parse(one) as Message;
      if (message.id !== undefined) waiting.get(message.id)?.(message);
      else if (message.method === 'Runtime.exceptionThrown')
        complaints.push(JSON.stringify(message.params?.exceptionDetails));
      else if (message.method === 'Log.entryAdded')
        complaints.push(message.params?.entry?.text ?? '');
    }
  });
  const send = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = (lastId += 1);
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id);
        if (error === undefined) resolve(result);
        else reject(new Error(`${method}: ${error.message}`));
      });
      toBrowser.write(`${JSON.stringify({ id, method, params, sessionId: session.id })}\0`);
    });
  const { targetInfos } = (await send('Target.getTargets')) as {
    targetInfos: Array<{ type: string; targetId: string }>;
  };
  const target = targetInfos.find(({ type }) => type === 'page')?.targetId;
  const attached = await send('Target.attachToTarget', { targetId: target, flatten: true });
  session.id = (attached as { sessionId: string }).sessionId;
  for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await send(`${domain}.enable`);
  const evaluate = async <T>(expression: string): Promise<T> => {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = (await send('Runtime.evaluate', params)) as {
      result: { value: T };
      exceptionDetails?: { text: string; exception?: { description?: string } };
    };
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  return {
    complaints,
    send,
    evaluate,
    async until(expression) {
      while (!(await evaluate<boolean>(expression)))
        await new Promise((resolve) => setTimeout(resolve, pollEveryMs));
    },
    async goTo(url) {
      const { errorText } = (await send('Page.navigate', { url })) as { errorText?: string };
      if (errorText !== undefined) throw new Error(`${url}: ${errorText}`);
    },
    async screenshot() {
      const { data } = (await send('Page.captureScreenshot')) as { data: string };
      return Buffer.from(data, 'base64');
    },
  };
}
