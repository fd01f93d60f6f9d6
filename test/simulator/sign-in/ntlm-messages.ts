/** NTLM messages of a client, as bytes: enough for a server that does not check the password. */
const signature = Buffer.from('NTLMSSP\0', 'latin1');

/** Returns a negotiate message (type 1) in base64. */
export function negotiateMessage(): string {
  const message = Buffer.alloc(32);
  signature.copy(message);
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(0xa208_8207, 12);
  return message.toString('base64');
}

/** Returns an authenticate message (type 3) of this user in base64. */
export function authenticateMessage(user: string): string {
  const name = Buffer.from(user, 'utf16le');
  const head = Buffer.alloc(64);
  signature.copy(head);
  head.writeUInt32LE(3, 8);
  for (const at of [12, 20, 28, 44, 52]) head.writeUInt32LE(64, at + 4);
  head.writeUInt16LE(name.length, 36);
  head.writeUInt16LE(name.length, 38);
  head.writeUInt32LE(64, 40);
  head.writeUInt32LE(0xa288_8205, 60);
  return Buffer.concat([head, name]).toString('base64');
}
