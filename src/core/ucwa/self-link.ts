/**
 * A cheap alarm for answers that went to the wrong call: UCWA's resources say their own address. It
 * is only a hint (some resources answer under another name than they were asked by), so a
 * contradiction is counted and makes us wait for the whole answer, no more.
 */
import { headerValue } from '../messages/http-message.ts';
import type { ResponsePart } from '../wire/response-part.ts';

const linkStart = Buffer.from('"self":{"href":"');
const quote = 0x22;
const maxLinkBytes = 1024;
/** Beyond that size a closer look is not worth its time. */
const maxParsedBytes = 65_536;

/** Whether a good JSON answer names another path than the one that was asked for. */
export function contradicts(part: ResponsePart, target: string): boolean {
  if (part.status !== 200 || part.body.length > maxParsedBytes) return false;
  const at = part.body.indexOf(linkStart);
  if (at === -1) return false;
  const from = at + linkStart.length;
  // Most say it in the very bytes that were asked for.
  const usualEnd = from + target.length;
  if (part.body[usualEnd] === quote && part.body.toString('latin1', from, usualEnd) === target) {
    return false;
  }
  const end = part.body.indexOf(quote, from);
  if (end === -1 || end - from > maxLinkBytes) return false;
  const asked = comparable(target);
  if (comparable(part.body.toString('utf8', from, end)) === asked) return false;
  if (!/json/i.test(headerValue(part.headers, 'content-type') ?? '')) return false;
  // What was found may be the link of something embedded.
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

/** The path alone, decoded as far as it goes, in one case. */
function comparable(link: string): string {
  const path = link.replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/, '');
  try {
    return decodeURIComponent(path).toLowerCase();
  } catch {
    return path.toLowerCase();
  }
}
