/**
 * Decides which calls are traced, and writes their SERVER spans. A call is traced if its client traces it. Of
 * the calls without a trace, a share is traced. A call that is not traced costs one look at its head.
 */
import { readTraceContext } from '../core/messages/trace-context.ts';
import { routeTemplate } from '../core/ucwa/route-template.ts';
import type { ClientExchange } from '../listen/client-exchange.ts';
import type { SpanSource } from './spans.ts';
import { TracedCall } from './traced-call.ts';

export interface CallTracerOptions {
  /** Share of the calls without a trace of their client that are traced, from 0 to 1. */
  readonly sampleRatio: number;
  /** Limit for the traced calls that have no answer yet. */
  readonly maxOpen: number;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
  /** Returns the hash by which the log shows a user. */
  readonly hashUser: (name: string) => string;
  /** Counts a call that is not traced because of `maxOpen`. */
  readonly dropped: () => void;
}

/** The parts of an exchange that a trace shows. */
export type TracedExchange = Pick<ClientExchange, 'request' | 'head' | 'startedAtMs'>;

export class CallTracer {
  readonly #source: SpanSource;
  readonly #options: CallTracerOptions;
  #open = 0;

  constructor(source: SpanSource, options: CallTracerOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Begins the trace of a call; `undefined` if the call is not traced. */
  begin({ request, head, startedAtMs }: TracedExchange): TracedCall | undefined {
    const parent = readTraceContext(head.headers);
    const { sampleRatio, random, maxOpen, dropped } = this.#options;
    const isSampled = parent === undefined ? random() < sampleRatio : parent.isSampled;
    if (!isSampled) return undefined;
    if (this.#open >= maxOpen) {
      dropped();
      return undefined;
    }
    this.#open += 1;
    const method = methodName(request.method ?? '');
    const route = routeTemplate(request.url ?? '');
    const span = this.#source.start({
      name: `${method === otherMethod ? 'HTTP' : method} ${route}`,
      kind: 'server',
      startMs: startedAtMs,
      parent: parent && { traceId: parent.traceId, spanId: parent.parentId },
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'url.scheme': 'encrypted' in request.socket ? 'https' : 'http',
        'url.path': route,
        'network.protocol.version': request.httpVersion === '2.0' ? '2' : request.httpVersion,
        ...(head.user !== '' && { 'ucwa.user': this.#options.hashUser(head.user) }),
      },
    });
    return new TracedCall(span, this.#source, () => (this.#open -= 1));
  }
}

const otherMethod = '_OTHER';

/** Returns a known method, or `_OTHER`, because an unknown method is arbitrary text of the client. */
function methodName(method: string): string {
  return /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE)$/.test(method)
    ? method
    : otherMethod;
}
