import type { Link, OpenSpan, SpanSource } from '../../src/trace/spans.ts';

export interface FakeSpan extends OpenSpan {
  readonly name: string;
  readonly links: Link[];
  readonly attributes: Record<string, string | number | boolean>;
  isEnded: boolean;
}

/** Keeps the spans that are started. */
export class FakeSource implements SpanSource {
  readonly spans: FakeSpan[] = [];

  start({ name, links = [], attributes }: Parameters<SpanSource['start']>[0]): FakeSpan {
    const span: FakeSpan = {
      name,
      traceId: '1'.repeat(32),
      spanId: String(this.spans.length + 1).padStart(16, '0'),
      links: [...links],
      attributes: { ...attributes },
      isEnded: false,
      set: (more) => void Object.assign(span.attributes, more),
      link: (link) => void span.links.push(link),
      fail: () => undefined,
      end: () => void (span.isEnded = true),
    };
    this.spans.push(span);
    return span;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
