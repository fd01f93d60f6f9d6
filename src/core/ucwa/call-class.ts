/**
 * Whether a call starts an operation of UCWA. The pool reports the progress of an operation on the event
 * channel. These events may already reach the client before the response to the call. The proxy must not delay
 * the call and so make this worse. A call starts an operation if the client sent an operation id, or if its
 * resource is a starter.
 */
import type { CallClass } from '../messages/outgoing-call.ts';

/** Last path segments, in lower case, of all resources for which UCWA documents an `operationId`. */
const starters: ReadonlySet<string> = new Set([
  'messages',
  'messaginginvitations',
  'onlinemeetinginvitations',
  'participantinvitations',
  'phoneaudioinvitations',
  'renegotiations',
  'addaudio',
  'addaudiovideo',
  'addmessaging',
  'addphoneaudio',
  'addvideo',
  'continueaudio',
  'continueaudiovideo',
  'continuemessaging',
  'continuephoneaudio',
  'continuevideo',
  'escalateaudio',
  'escalateaudiovideo',
  'replacewithphoneaudio',
  'resumeaudio',
  'resumeaudiovideo',
  'startaudio',
  'startaudioonbehalfofdelegator',
  'startaudiovideo',
  'startaudiovideoonbehalfofdelegator',
  'startemergencycall',
  'startmessaging',
  'startphoneaudio',
  'startphoneaudioonbehalfofdelegator',
  'startvideo',
]);

const idNames = ['operationId', 'operationContext', 'OperationId', 'OperationContext'];

/** `resource`: the path in lower case. */
function isOperation(method: string, target: string, resource: string, body: Buffer): boolean {
  if (method !== 'POST') return false;
  if (starters.has(resource.slice(resource.lastIndexOf('/') + 1))) return true;
  if (/operation(?:id|context)/i.test(target)) return true;
  return body.length > 0 && idNames.some((name) => body.includes(name));
}

/**
 * Returns the class by which the scheduler treats a call.
 *
 * @param target the request target, as sent
 * @param resource the path in lower case, without the query
 * @param body the whole body; empty without one
 */
export function callClassOf(
  method: string,
  target: string,
  resource: string,
  body: Buffer,
): CallClass {
  if (method === 'GET') return 'safe';
  return isOperation(method, target, resource, body) ? 'operation' : 'unsafe';
}
