/**
 * The server side of the NTLM handshake, without a check of the password.
 *
 * A real client completes the handshake: it sends a negotiate message (type 1), gets a challenge
 * (type 2), and sends an authenticate message (type 3) with its user name. The user `wrong` fails.
 */
import type { Random } from '../pool/prng.ts';

const signature = Buffer.from('NTLMSSP\0', 'latin1');

/** Flags: Unicode, request target, NTLM, always sign, extended session security, target info, 128 bits, 56 bits. */
const flags = 0xa088_8205;

/** Attributes of the challenge's target: NetBIOS names of the domain and of the server, and the end. */
const targetInfo = Buffer.concat([
  ...[
    [2, 'POOL'],
    [1, 'FE01'],
  ].flatMap(([id, name]) => {
    const text = Buffer.from(String(name), 'utf16le');
    const head = Buffer.alloc(4);
    head.writeUInt16LE(Number(id), 0);
    head.writeUInt16LE(text.length, 2);
    return [head, text];
  }),
  Buffer.alloc(4),
]);

const targetName = Buffer.from('POOL', 'utf16le');
const headLength = 48;

/** Returns the type of an NTLM message, or undefined for other bytes. */
export function ntlmType(message: Buffer): number | undefined {
  if (message.length < 12 || !message.subarray(0, 8).equals(signature)) return undefined;
  return message.readUInt32LE(8);
}

/** Returns a challenge message (type 2). */
export function ntlmChallenge(random: Random): Buffer {
  const head = Buffer.alloc(headLength);
  signature.copy(head);
  head.writeUInt32LE(2, 8);
  writeField(head, 12, targetName.length, headLength);
  head.writeUInt32LE(flags, 20);
  for (let i = 24; i < 32; i++) head[i] = Math.floor(random() * 256);
  writeField(head, 40, targetInfo.length, headLength + targetName.length);
  return Buffer.concat([head, targetName, targetInfo]);
}

/** Returns the user name of an authenticate message (type 3), or undefined if it is malformed. */
export function ntlmUser(message: Buffer): string | undefined {
  if (ntlmType(message) !== 3 || message.length < 64) return undefined;
  const length = message.readUInt16LE(36);
  const offset = message.readUInt32LE(40);
  const isUnicode = (message.readUInt32LE(60) & 1) === 1;
  const name = message.subarray(offset, offset + length);
  if (name.length < length || length === 0) return undefined;
  return name.toString(isUnicode ? 'utf16le' : 'latin1');
}

/** Writes the length and the offset of a field of a message. */
function writeField(head: Buffer, at: number, length: number, offset: number): void {
  head.writeUInt16LE(length, at);
  head.writeUInt16LE(length, at + 2);
  head.writeUInt32LE(offset, at + 4);
}
