/** A pool that answers polls when the test says so, and a client that polls and reads. */
import type { Socket } from 'node:net';
import type { TestProxy } from './proxy.ts';
import { startScriptedPool } from './scripted-pool.ts';
import { app } from './ucwa-client.ts';

/** A request for one or several resources. */
interface ReadRequest {
  readonly text: string;
  readonly targets: readonly string[];
  /** Answers the request. Each answer has the target and `version` as its body. */
  answer(version?: string, status?: number): void;
}

export interface PrimingPool {
  readonly url: string;
  /** The head of the answers to writes. */
  writeStatus: string;
  /** The status of the answers to polls. */
  pollStatus: string;
  /** All GETs and batches, in order of arrival. */
  readonly reads: readonly ReadRequest[];
  /** Answers the open poll, or the next one, with events of these targets. */
  tell(targets: readonly string[], rel?: string): void;
  /** Resolves to the next GET or batch. */
  nextRead(): Promise<ReadRequest>;
  /** Resolves when the proxy has received the answers to all calls but polls. */
  untilIdle(proxy: TestProxy): Promise<void>;
}

export const presence = (i: number): string => `${app}/people/p${i}@x/presence`;

/** The JSON of an answer with an event for each target. */
function eventsJson(targets: readonly string[], rel = 'contactPresence'): string {
  const events = targets.map((href) => ({ link: { rel, href }, type: 'updated' }));
  return JSON.stringify({
    _links: { next: { href: `${app}/events?ack=2` } },
    sender: [{ rel: 'people', href: `${app}/people`, events }],
  });
}

/** Starts the pool. The test answers the reads. */
export async function startPrimingPool(): Promise<PrimingPool> {
  const reads: ReadRequest[] = [];
  let poll: Socket | undefined;
  let told: string | undefined;
  let taken = 0;
  let wake: () => void = () => undefined;
  const answerPoll = (): void => {
    if (poll === undefined || told === undefined) return;
    poll.write(message(pool.pollStatus, told));
    poll = undefined;
    told = undefined;
  };
  const { url } = await startScriptedPool((text, socket) => {
    if (/^GET \S*\/events/.test(text)) {
      poll = socket;
      answerPoll();
      return;
    }
    const isBatch = /^POST \S*\/batch /.test(text);
    if (!isBatch && !text.startsWith('GET ')) {
      socket.write(`HTTP/1.1 ${pool.writeStatus}\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const targets = Array.from(text.matchAll(/^GET (\S+) HTTP/gm), ([, target = '']) => target);
    const answer = (version = '', status = 200): void => {
      const answers = targets.map((target) =>
        message(`${status} OK`, `${target} ${version}`.trim()),
      );
      socket.write(isBatch ? multipart(answers) : (answers[0] ?? ''));
    };
    const read = { text, targets, answer };
    reads.push(read);
    wake();
  });
  const pool: PrimingPool = {
    url,
    writeStatus: '200 OK',
    pollStatus: '200 OK',
    reads,
    tell(targets, rel) {
      told = eventsJson(targets, rel);
      answerPoll();
    },
    async nextRead() {
      for (;;) {
        const read = reads[taken];
        if (read !== undefined) {
          taken += 1;
          return read;
        }
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    untilIdle: (proxy) => proxy.untilMetric('ucwa_proxy_outstanding_calls', (calls) => calls === 0),
  };
  return pool;
}

function message(status: string, body: string): string {
  const fields = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return `HTTP/1.1 ${status}\r\n${fields}${body}`;
}

function multipart(answers: readonly string[]): string {
  const parts = answers.map(
    (answer) => `--b\r\nContent-Type: application/http; msgtype=response\r\n\r\n${answer}\r\n`,
  );
  const body = `${parts.join('')}--b--\r\n`;
  const fields = `Content-Type: multipart/batching;boundary=b\r\nContent-Length: ${body.length}`;
  return `HTTP/1.1 200 OK\r\n${fields}\r\n\r\n${body}`;
}
