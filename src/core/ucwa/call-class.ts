/**
 * Whether a call starts an operation: something whose course is told on the event channel, where
 * news of it must not overtake the answer by more than they do anyway. Known by the id that the
 * client gave it, or by the resource: these are the last segments of the paths of all that UCWA
 * documents as taking an `operationId`.
 */
import type { CallClass } from '../messages/outgoing-call.ts';

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

/** What the scheduler takes a call for; `resource`: its path in lower case. */
export function callClassOf(
  method: string,
  target: string,
  resource: string,
  body: Buffer,
): CallClass {
  if (method === 'GET') return 'safe';
  return isOperation(method, target, resource, body) ? 'operation' : 'unsafe';
}
