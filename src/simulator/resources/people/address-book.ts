/** The people of the pool: some known contacts, and an invented contact for every other address. */
import { domain } from '../../pool/pool.ts';

/** Addresses of the contacts of every user. */
export const addressBook: readonly string[] = [
  'adam.barr',
  'alex.darrow',
  'carol.troup',
  'chris.barry',
  'dana.birkby',
  'denise.smith',
  'jane.dow',
  'kari.hensien',
  'lene.aaling',
  'pavel.bansky',
  'toni.poe',
  'yael.peled',
].map((name) => `${name}@${domain}`);

/** Returns `Chris Barry` for `chris.barry@pool.example`. */
export function displayName(address: string): string {
  return (address.split('@')[0] ?? '')
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}

const availabilities = ['Online', 'Away', 'Busy', 'DoNotDisturb', 'BeRightBack', 'Offline'];

/** Returns a number that depends only on the address. */
export function checksum(address: string): number {
  let sum = 0;
  for (const char of address) sum = (sum * 31 + char.charCodeAt(0)) % 4_294_967_291;
  return sum;
}

/** Returns the availability of a contact who never signs in. */
export function usualAvailability(address: string): string {
  return availabilities[checksum(address) % availabilities.length] ?? 'Offline';
}
