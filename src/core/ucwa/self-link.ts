/**
 * A cheap check that a part answers the right call. UCWA resources contain a link to themselves. The link is
 * only a hint, because the links of some resources differ from the requested path. A contradiction is counted.
 * The part is then not released early, but the contradiction is no failure.
 */
import { headerValue } from '../messages/http-message.ts';
import type { Reply } from '../messages/reply.ts';

const linkStart = Buffer.from('"self":{"href":"');
const quote = 0x22;
const maxLinkBytes = 1024;
/** Larger bodies are not parsed: the hint is not worth the time. */
const maxParsedBytes = 65_536;

/**
 * Whether the self link of a part names another path than the target of its call. Returns `false` if the part
 * is no 200 with JSON, or has no self link.
 */
export function contradicts(
  part: Pick<Reply, 'status' | 'headers' | 'body'>,
  target: string,
): boolean {
  if (part.status !== 200 || part.body.length > maxParsedBytes) return false;
  const at = part.body.indexOf(linkStart);
  if (at === -1) return false;
  const from = at + linkStart.length;
  // Most links repeat the bytes of the target.
  const usualEnd = from + target.length;
  if (part.body[usualEnd] === quote && part.body.toString('latin1', from, usualEnd) === target) {
    return false;
  }
  const end = part.body.indexOf(quote, from);
  if (end === -1 || end - from > maxLinkBytes) return false;
  const asked = comparable(target);
  if (comparable(part.body.toString('utf8', from, end)) === asked) return false;
  if (!/json/i.test(headerValue(part.headers, 'content-type') ?? '')) return false;
  // The first link may belong to an embedded resource.
  const own = ownLink(part.body);
  return own !== undefined && comparable(own) !== asked;
}

function ownLink(body: Buffer): string | undefined {
  try {
    const text = body.toString('utf8').replace(/^\ufeff/, '');
    const { _links } = JSON.parse(text) as { _links?: { self?: { href?: unknown } } };
    const href = _links?.self?.href;
    return typeof href === 'string' ? href : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the path of a link in lower case, and decoded if its triplets are valid. */
function comparable(link: string): string {
  const path = link.replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  try {
    return decodeURIComponent(path).toLowerCase();
  } catch {
    return path.toLowerCase();
  }
}
