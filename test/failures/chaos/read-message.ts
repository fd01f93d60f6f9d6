/** One answer as received. Each character is one byte. */
export interface RawMessage {
  readonly status: number;
  /** Status line and fields. */
  readonly head: string;
  readonly body: string;
  /** Length of the whole message. */
  readonly length: number;
  /** Whether the connection ends after the message. */
  readonly closes: boolean;
}

/** `begun`: the head is complete, but the message is not. */
export type Partial = 'nothing' | 'begun';

/** Reads one HTTP/1.1 answer from the start of the received bytes, with little work. */
export function readMessage(bytes: string): RawMessage | Partial {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return bytes === '' ? 'nothing' : 'begun';
  const head = bytes.slice(0, headEnd);
  const status = Number(head.slice(9, 12));
  const closes = /^connection: *close/im.test(head);
  const from = headEnd + 4;
  if (status === 204 || status === 304) return { status, head, body: '', length: from, closes };
  const stated = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (stated === undefined) return readChunks(bytes, { status, head, closes }, from);
  const length = from + Number(stated);
  if (bytes.length < length) return 'begun';
  return { status, head, body: bytes.slice(from, length), length, closes };
}

function readChunks(
  bytes: string,
  message: Pick<RawMessage, 'status' | 'head' | 'closes'>,
  from: number,
): RawMessage | Partial {
  let body = '';
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return 'begun';
    const size = parseInt(bytes.slice(at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return 'begun';
    body += bytes.slice(lineEnd + 2, lineEnd + 2 + size);
    at = next;
    if (size === 0) return { ...message, body, length: at };
  }
}
