import { isIP } from 'node:net';

/** A range of IP addresses, with the parameters of `net.BlockList.addSubnet()`. */
export interface IpRange {
  readonly address: string;
  /** Number of leading bits that must match: 0 to 32, or 0 to 128 for IPv6. */
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

const v4 =
  '(?:(?:\\d|[1-9]\\d|1\\d{2}|2[0-4]\\d|25[0-5])\\.){3}(?:\\d|[1-9]\\d|1\\d{2}|2[0-4]\\d|25[0-5])';
const group = '[0-9a-fA-F]{1,4}';
/** IPv6 by the number of groups before `::`, most groups first. */
const v6 = [
  `(?:${group}:){7}(?:${group}|:)`,
  `(?:${group}:){6}(?:${v4}|:${group}|:)`,
  ...[5, 4, 3, 2, 1].map(
    (before) =>
      `(?:${group}:){${before}}(?:(?::${group}){0,${5 - before}}:${v4}|(?::${group}){1,${7 - before}}|:)`,
  ),
  `:(?:(?::${group}){0,5}:${v4}|(?::${group}){1,7}|:)`,
].join('|');

/**
 * Matches the texts that `parseIpRange` accepts, for programs that have only the JSON schema. The syntax is
 * that of JavaScript and of Go.
 */
export const ipRangePattern = new RegExp(
  `^(?:(?:${v4})(?:/(?:0{0,2}\\d|0?[12]\\d|0?3[0-2]))?` +
    `|(?:${v6})(?:/(?:0{0,2}\\d|0?\\d{2}|1[01]\\d|12[0-8]))?)$`,
);

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
