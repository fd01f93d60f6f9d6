/** The interfaces between a coded answer, its reader and its limits. */
import type { RawHeaders } from '../core/messages/http-message.ts';

/** Where the answer goes. */
export interface CodedOutput {
  /** Writes the head. Returns `false` if the exchange is over. */
  begin(headers: RawHeaders): boolean;
  /** Returns whether more may be written at once. If not, `drained` is called as soon as it may. */
  write(chunk: Buffer, drained: () => void): boolean;
  /** The whole body has been written. */
  end(): void;
  broke(error: unknown): void;
}

/** Limits the memory of encoders and of the bodies that they wait for. */
export interface EncoderLimit {
  acquire(bytes: number): boolean;
  release(bytes: number): void;
}

export interface CodedStreamOptions {
  /** Limit for the bytes that wait for the encoder. */
  readonly maxBufferedBytes: number;
  /**
   * Whether the answer can pause while the encoder is busy. Otherwise it is coded in the event loop, so that it waits for
   * its reader only.
   */
  readonly canPause: boolean;
}
