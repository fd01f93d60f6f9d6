import { existsSync, readFileSync } from 'node:fs';

/** A folder of test/fixtures/exchanges. The README of that folder explains the files. */
export interface RecordedExchange {
  readonly name: string;
  readonly calls: readonly Buffer[];
  readonly batchResponse: Buffer;
  /** The answer that each caller must get, head and body. */
  readonly answers: readonly Buffer[];
}

const folder = new URL('../fixtures/exchanges/', import.meta.url);

export const exchangeNames = [
  '2013-contacts-and-me',
  '2013-note',
  'documentation-batching-requests',
  'documentation-batch-json',
  'documentation-batch-xml',
] as const;

export function readExchange(name: string): RecordedExchange {
  const file = (path: string): Buffer => readFileSync(new URL(`${name}/${path}`, folder));
  const answers: Buffer[] = [];
  for (let n = 1; existsSync(new URL(`${name}/answer-${n}.http`, folder)); n += 1) {
    answers.push(file(`answer-${n}.http`));
  }
  return {
    name,
    calls: splitCalls(file('calls.http')),
    batchResponse: file('batch-response.http'),
    answers,
  };
}

export function readBatchRequest(name: string): Buffer {
  return readFileSync(new URL(`${name}/batch-request.http`, folder));
}

/** Splits a message into head and body. */
export function splitMessage(message: Buffer): { head: string; body: Buffer } {
  const end = message.indexOf('\r\n\r\n');
  return { head: message.toString('latin1', 0, end), body: message.subarray(end + 4) };
}

/** Splits the calls, which have no bodies. */
function splitCalls(bytes: Buffer): Buffer[] {
  return bytes
    .toString('latin1')
    .split('\r\n\r\n')
    .filter((head) => head !== '')
    .map((head) => Buffer.from(`${head}\r\n\r\n`, 'latin1'));
}
