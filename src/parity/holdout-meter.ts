/** Measures users with batches and users without (`batching.share`). Used only while the setting is below 1. */
import type { Holdout } from '../core/holdout/holdout.ts';
import { pointOf } from '../core/schedule/point-of-user.ts';
import { routeTemplate } from '../core/ucwa/protocol.ts';
import { applicationOf } from '../core/ucwa/classify.ts';
import type { FinishedCall } from '../listen/observer.ts';
import type { ExchangeHandler, Upstream } from '../upstream/exchange.ts';

/** Returns the name of the route of a call, as the scheduler forms it. See `RouteLatency.name`. */
function routeOf({ method, target }: Pick<FinishedCall, 'method' | 'target'>): string {
  const template = routeTemplate(target.slice(applicationOf(target)?.length ?? 0));
  return method === 'GET' ? template : `${method} ${template}`;
}

/** Returns the facts of a call for the holdout; `undefined` for a call that no group may count. */
export function holdoutCallOf(call: FinishedCall): Parameters<Holdout['answered']>[0] | undefined {
  const { via, status, callerLeft, user, durationMs } = call;
  if ((via !== 'batch' && via !== 'single') || status === 0 || callerLeft) return undefined;
  const isError = status >= 500 || status === 429;
  return { point: pointOf(user), route: routeOf(call), durationMs, isError };
}

/** Returns a function that sends a request, and counts it and its bytes. */
export function measuredSend(
  send: Upstream['send'],
  meter: Pick<Holdout, 'requested' | 'transferred'>,
): Upstream['send'] {
  return (request, handler) => {
    const point = pointOf(request.user.name);
    meter.requested(point);
    meter.transferred(
      point,
      bytesOf(request.headers) + request.target.length + request.body.length,
    );
    const counted: ExchangeHandler = {
      head(status, reason, headers) {
        meter.transferred(point, bytesOf(headers));
        handler.head(status, reason, headers);
      },
      data(chunk) {
        meter.transferred(point, chunk.length);
        handler.data(chunk);
      },
      end: () => handler.end(),
      fault: (fault) => handler.fault(fault),
    };
    return send(request, counted);
  };
}

/** The bytes of a list of fields as HTTP/1.1 sends it. Each field has a colon, a space and the end of the line. */
function bytesOf(headers: readonly string[]): number {
  let bytes = headers.length * 2;
  for (const text of headers) bytes += text.length;
  return bytes;
}
