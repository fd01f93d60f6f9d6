import { connect, type Socket } from 'node:net';
import { onCleanup } from './cleanup.ts';

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { endStream: 1, ack: 1, endHeaders: 4 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const frameHeadBytes = 9;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer | readonly number[] = [],
): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUIntBE(bytes.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

/** Four bytes of a number. */
export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A length of HPACK with a prefix of 7 bits. */
function length(value: number): number[] {
  if (value < 127) return [value];
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

/** Fields in HPACK as literals. With `indexed` they enter the dynamic table. */
export function literals(
  fields: ReadonlyArray<readonly [name: string, value: string]>,
  indexed = false,
): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.from([indexed ? 0x40 : 0, ...length(name.length)]),
      Buffer.from(name, 'latin1'),
      Buffer.from(length(value.length)),
      Buffer.from(value, 'latin1'),
    ]),
  );
}

/** The pseudo fields of a GET, with a credential. */
export function getFields(path: string, token = 'cwt=sim-raw'): Array<readonly [string, string]> {
  return [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'pool.example'],
    ['authorization', `Bearer ${token}`],
  ];
}

/** The fields of a POST. */
export function postFields(path: string): Array<readonly [string, string]> {
  return getFields(path).map(([name, value]) => [name, name === ':method' ? 'POST' : value]);
}

export function headers(
  stream: number,
  fields: ReadonlyArray<readonly [string, string]>,
  flags: number = flag.endHeaders | flag.endStream,
): Buffer {
  return frame(frameType.headers, flags, stream, literals(fields));
}

/** A connection on which a test writes HTTP/2 frames. */
export class RawHttp2 {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<void>;
  #received = Buffer.alloc(0);
  #isClosed = false;
  readonly #answersPings: boolean;
  #wake: () => void = () => undefined;

  /** @param answersPings whether the connection answers PINGs, as every real client does */
  constructor(port: number, settings: readonly number[] = [], answersPings = true) {
    this.#answersPings = answersPings;
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#split();
      this.#wake();
    });
    this.closed = new Promise((resolve) =>
      this.socket.on('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      }),
    );
    onCleanup(() => void this.socket.destroy());
    this.send(Buffer.from(preface), frame(frameType.settings, 0, 0, settings));
  }

  send(...frames: readonly Buffer[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(frames));
  }

  /** Resolves with the first frame that matches, of all that ever arrive; `undefined` if the connection closes first. */
  async until(matches: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(matches);
      if (found !== undefined || this.#isClosed) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Code of the RST_STREAM of a stream. */
  async resetCode(stream: number): Promise<number | undefined> {
    const found = await this.until(
      (one) => one.type === frameType.rstStream && one.stream === stream,
    );
    return found?.payload.readUInt32BE(0);
  }

  /** Code of a GOAWAY that reports an error or the end. */
  async goawayCode(): Promise<number | undefined> {
    const found = await this.until(({ type }) => type === frameType.goaway);
    return found?.payload.readUInt32BE(4);
  }

  #split(): void {
    for (;;) {
      if (this.#received.length < frameHeadBytes) return;
      const size = frameHeadBytes + this.#received.readUIntBE(0, 3);
      if (this.#received.length < size) return;
      const one = {
        type: this.#received.readUInt8(3),
        flags: this.#received.readUInt8(4),
        stream: this.#received.readUInt32BE(5) & 0x7fffffff,
        payload: this.#received.subarray(frameHeadBytes, size),
      };
      this.frames.push(one);
      this.#received = this.#received.subarray(size);
      const isPing = one.type === frameType.ping && (one.flags & flag.ack) === 0;
      if (isPing && this.#answersPings) this.send(frame(frameType.ping, flag.ack, 0, one.payload));
    }
  }
}
