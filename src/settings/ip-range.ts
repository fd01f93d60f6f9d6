import { isIP } from 'node:net';

/** A range of IP addresses, with the parameters of `net.BlockList.addSubnet()`. */
export interface IpRange {
  readonly address: string;
  /** Number of leading bits that must match: 0 to 32, or 0 to 128 for IPv6. */
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

/**
 * Parses one address (`10.1.2.3`, `fd00::1`) or a range in CIDR notation (`10.0.0.0/8`).
 *
 * @returns undefined if the text is neither
 */
export function parseIpRange(text: string): IpRange | undefined {
  const [, address = '', digits] = /^([0-9a-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefixLength = digits === undefined ? bits : Number(digits);
  if (prefixLength > bits) return undefined;
  return { address, prefixLength, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** Formats a range as text that `parseIpRange` accepts. */
export function formatIpRange({ address, prefixLength, family }: IpRange): string {
  const isOneAddress = prefixLength === (family === 'ipv4' ? 32 : 128);
  return isOneAddress ? address : `${address}/${prefixLength}`;
}
