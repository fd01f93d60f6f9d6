/**
 * Whether an answer shows that its server cannot serve requests. If the web application is down, its server
 * answers 503 with an HTML page, or without a body. An answer in a format of UCWA comes from the application, and says
 * something about one call only. 500 may be the answer to a single faulty call as well.
 */
import { headerValue, type RawHeaders } from '../messages/http-message.ts';

const statuses: ReadonlySet<number> = new Set([502, 503, 504]);
/** JSON and XML, with and without a vendor's name, and answers to a batch. */
const ofApplication = /^(?:(?:application|text)\/(?:[\w.-]+\+)?(?:json|xml)|multipart\/)/i;

export function isUnavailable(status: number, headers: RawHeaders): boolean {
  return statuses.has(status) && !ofApplication.test(headerValue(headers, 'content-type') ?? '');
}
