import type { ServerResponse } from 'node:http';

/** Facts about the body of a request while it arrives. See `StoppedBodies`. */
export class IncomingBody {
  /** Whether the proxy holds the whole body in memory. */
  isBuffered = false;
  /** Whether the client may wait for a `100 Continue` that the proxy has not sent yet. */
  mayWait = false;
  /** Refuses the request when its body stops. By default the request handler does that. */
  refuse: (() => void) | undefined;
}

interface ContinuedRequest {
  readonly response: ServerResponse;
  readonly body: IncomingBody | undefined;
}

/**
 * Sends `100 Continue` when it is the turn of the response. For a pipelined response that waits, Node would
 * write the head of the answer before a `100 Continue` that was written earlier.
 */
export function sendContinue({ response, body }: ContinuedRequest): void {
  if (response.socket !== null) response.writeContinue();
  else {
    if (body !== undefined) body.mayWait = true;
    response.once('socket', () => {
      if (body !== undefined) body.mayWait = false;
      if (!response.headersSent) response.writeContinue();
    });
  }
}
