/** A pool that answers calls and batches with given bodies, and codes none of them by itself. */
import { gzipSync } from 'node:zlib';
import { startScriptedPool, type ScriptedPool } from './scripted-pool.ts';
import { app } from './ucwa-client.ts';

export interface PoolAnswer {
  readonly status?: string;
  /** Fields, each with its line end. */
  readonly fields?: string;
  readonly body?: Buffer | string;
}

export const json = 'Content-Type: application/json; charset=utf-8\r\n';
const date = 'Date: Mon, 30 Nov 2026 12:00:00 GMT\r\n';

/** JSON of at least this length. */
export function jsonOf(bytes: number, seed = ''): string {
  const contacts: string[] = [];
  for (let length = 0, i = 0; length < bytes; i += 1) {
    const one = `{"name":"Ann ${seed}${i * 7919}","uri":"sip:ann${i}@contoso.com"}`;
    contacts.push(one);
    length += one.length + 1;
  }
  return `{"contacts":[${contacts.join(',')}]}`;
}

/** @param answerTo returns the answer to the request with this target and head */
export function startCodingPool(
  answerTo: (target: string, head: string) => PoolAnswer,
  { codesEnvelope = false } = {},
): Promise<ScriptedPool> {
  return startScriptedPool((request, socket) => {
    const [head = '', body = ''] = request.split(/\r\n\r\n([^]*)/);
    const [method = '', target = ''] = head.split(' ');
    if (target !== `${app}/batch` || !/^content-type: multipart\/batching/im.test(head)) {
      socket.write(message(answerTo(target, head), method));
      return;
    }
    const targets = Array.from(
      body.matchAll(/^[A-Z]+ (\S+) HTTP\/1\.1\r$/gm),
      ([, one = '']) => one,
    );
    const parts = targets.map((one) =>
      Buffer.concat([
        Buffer.from('--b\r\nContent-Type: application/http; msgtype=response\r\n\r\n'),
        message(answerTo(one, body), 'PART'),
        Buffer.from('\r\n'),
      ]),
    );
    const whole = Buffer.concat([...parts, Buffer.from('--b--\r\n')]);
    const coding = codesEnvelope ? 'Content-Encoding: gzip\r\n' : '';
    const fields = `Content-Type: multipart/batching; boundary="b"\r\n${coding}`;
    socket.write(message({ fields, body: codesEnvelope ? gzipSync(whole) : whole }, 'POST'));
  });
}

function message(
  { status = '200 OK', fields = json, body = '' }: PoolAnswer,
  method: string,
): Buffer {
  const bytes = Buffer.from(body);
  const hasLength = method !== 'PART' && !status.startsWith('304');
  const length = hasLength ? `Content-Length: ${bytes.length}\r\n` : '';
  const head = Buffer.from(`HTTP/1.1 ${status}\r\n${date}${fields}${length}\r\n`);
  return method === 'HEAD' ? head : Buffer.concat([head, bytes]);
}
