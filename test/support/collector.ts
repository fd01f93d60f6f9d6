/** A collector that takes traces by OTLP over HTTP, as JSON, and keeps the spans. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onCleanup } from './cleanup.ts';

type Value = string | number | boolean;

export interface SeenSpan {
  readonly name: string;
  /** 1: internal, 2: server, 3: client. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly links: ReadonlyArray<{
    readonly traceId: string;
    readonly spanId: string;
    readonly reason: Value | undefined;
  }>;
  readonly isError: boolean;
}

export interface Collector {
  /** The address without a path. */
  readonly url: string;
  readonly spans: readonly SeenSpan[];
  /** Attributes of the resource of the last export. */
  readonly resource: Readonly<Record<string, Value>>;
  /** Everything that came, as text. */
  readonly text: string;
  readonly requests: ReadonlyArray<{
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
  }>;
  named(name: string | RegExp): SeenSpan[];
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string } & Readonly<
    Record<string, Value>
  >;
}

interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly links?: ReadonlyArray<{
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes?: readonly OtlpAttribute[];
  }>;
  readonly status?: { readonly code?: number };
}

interface OtlpRequest {
  readonly resourceSpans: ReadonlyArray<{
    readonly resource: { readonly attributes: readonly OtlpAttribute[] };
    readonly scopeSpans: ReadonlyArray<{ readonly spans: readonly OtlpSpan[] }>;
  }>;
}

/** @param answer returns the status of each answer, or a promise that settles when the answer may be sent */
export async function startCollector(
  answer: () => number | Promise<number> = () => 200,
): Promise<Collector> {
  const spans: SeenSpan[] = [];
  const requests: Array<{ path: string; headers: IncomingHttpHeaders }> = [];
  const seen = { text: '', resource: {} as Record<string, Value> };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      requests.push({ path: request.url ?? '', headers: request.headers });
      seen.text += text;
      void Promise.resolve(answer()).then((status) => {
        if (status === 200) take(text);
        response.writeHead(status, { 'Content-Type': 'application/json' }).end('{}');
      });
    });
  });
  const take = (text: string): void => {
    const found = readOtlp(text);
    seen.resource = found.resource;
    spans.push(...found.spans);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    get text() {
      return seen.text;
    },
    get resource() {
      return seen.resource;
    },
    named: (name) =>
      spans.filter((span) =>
        typeof name === 'string' ? span.name === name : name.test(span.name),
      ),
  };
}

/** Reads a request in the form of OTLP in JSON. */
export function readOtlp(text: string): Pick<Collector, 'spans' | 'resource'> {
  const { resourceSpans } = JSON.parse(text) as OtlpRequest;
  return {
    spans: resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map(seenSpan)),
    ),
    resource: valuesOf(resourceSpans.at(-1)?.resource.attributes ?? []),
  };
}

function seenSpan(span: OtlpSpan): SeenSpan {
  return {
    name: span.name,
    kind: span.kind,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId === '' ? undefined : span.parentSpanId,
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    attributes: valuesOf(span.attributes ?? []),
    links: (span.links ?? []).map(({ traceId, spanId, attributes = [] }) => ({
      traceId,
      spanId,
      reason: valuesOf(attributes)['ucwa.link'],
    })),
    isError: span.status?.code === 2,
  };
}

function valuesOf(attributes: readonly OtlpAttribute[]): Record<string, Value> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [known = ''] = Object.values(value);
      return [key, 'intValue' in value ? Number(value.intValue) : known];
    }),
  );
}
