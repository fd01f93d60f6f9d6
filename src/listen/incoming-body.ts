/** Facts about the body of a request while it arrives. See `StoppedBodies`. */
export class IncomingBody {
  /** Whether the proxy holds the whole body in memory. */
  isBuffered = false;
  /** Whether the client may wait for a `100 Continue` that the proxy has not sent yet. */
  mayWait = false;
  /** Refuses the request when its body stops. By default the request handler does that. */
  refuse: (() => void) | undefined;
}
