/**
 * The kinds of values that settings take, as zod schemas. Each schema has a text for what it accepts,
 * so that every error message reads "expected ..., found ...".
 */
import { isIP } from 'node:net';
import * as z from 'zod';
import { formatAddress, parseAddress, type Address } from './address.ts';
import { masked } from './masked.ts';
import { formatIpRange, ipRangePattern, parseIpRange, type IpRange } from './ip-range.ts';

/** Facts about a setting that a zod schema has no place for. */
interface Facts {
  /** Text for accepted values; follows "expected" in messages. */
  readonly accepts?: string;
  /** Placeholder for the value of the flag, for example `MS`. */
  readonly placeholder?: string;
  /** Name of the flag that sets this value, without dashes. */
  readonly flag?: string;
  /** Whether messages omit a refused value, because it may be a secret in the wrong place. */
  readonly isHidden?: boolean;
}

/** Facts by schema. A wrapper (`optional`, `prefault`) and the schema inside it each have their own. */
export const facts = z.registry<Facts>();

const wholeNumber = (min: number, max: number, accepts: string, placeholder: string) =>
  z
    .int()
    .min(min)
    .max(max)
    .register(facts, { accepts: `${accepts} from ${min} to ${max}`, placeholder });

/** A whole number of milliseconds from `min` to `max`. */
export const milliseconds = (min: number, max: number) =>
  wholeNumber(min, max, 'a number of milliseconds', 'MS');

/** A whole number of bytes from `min` to `max`. */
export const bytes = (min: number, max: number) =>
  wholeNumber(min, max, 'a number of bytes', 'BYTES');

/** A whole number from `min` to `max`. */
export const count = (min: number, max: number) => wholeNumber(min, max, 'a whole number', 'N');

/** A share, from 0 (none) to 1 (all). */
export const share = () =>
  z
    .number()
    .min(0)
    .max(1)
    .register(facts, { accepts: 'a number from 0 to 1 such as 0.25', placeholder: 'SHARE' });

/** The URL of an OpenTelemetry collector; becomes the URL that gets traces. */
export const tracesUrl = () =>
  z
    .string()
    .regex(/^https?:\/\/[^/\\?#@\s]+(?:\/[\w.~!$&'()*+,;=:%/-]*)?$/i)
    .refine((text) => URL.canParse(text) && new URL(text).port !== '0')
    .overwrite(tracesUrlOf)
    .register(facts, {
      accepts: 'a URL such as http://collector:4318 (no query or credentials)',
      placeholder: 'URL',
    });

function tracesUrlOf(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url.href;
}

/** True or false. */
export const yesOrNo = () =>
  z.boolean().register(facts, { accepts: 'true or false', placeholder: 'true|false' });

/** A path pattern. Each segment is text, `*` (one segment) or `**` (any number of segments). */
const pathPattern = () =>
  z
    .string()
    .regex(/^\/?(?:\*{1,2}|[\w.~!$&'()+,=:@%-]+)(?:\/(?:\*{1,2}|[\w.~!$&'()+,=:@%-]+))*$/)
    .register(facts, { accepts: 'a path pattern such as people/search or groups/*/members' });

/** A list of path patterns. */
export const pathPatterns = () =>
  z.array(pathPattern()).register(facts, {
    accepts: 'a list of path patterns such as [people/search, groups/*/members]',
    placeholder: 'PATTERN,...',
  });

/**
 * Joins names as in "a, b, or c". `Intl.ListFormat` would load data of ICU: at the start of the program, that takes 4 MB
 * of memory and a tenth of the time.
 */
function alternatives(names: readonly string[]): string {
  if (names.length < 3) return names.join(' or ');
  return `${names.slice(0, -1).join(', ')}, or ${names.at(-1)}`;
}

/** One of `names`. */
export const oneOf = <const Names extends readonly string[]>(...names: Names) =>
  z.enum(names).register(facts, { accepts: alternatives(names), placeholder: names.join('|') });

/** `host:port`; decodes to an `Address`. */
export const address = () =>
  z
    .codec(z.string(), z.custom<Address>(), {
      decode: (text, { issues }) => parseAddress(text) ?? refused(text, issues),
      encode: formatAddress,
    })
    .register(facts, {
      accepts: 'host:port such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080',
      placeholder: 'HOST:PORT',
    });

/** A list of IP addresses and CIDR ranges; decodes to `IpRange`s. */
export const ipRanges = () =>
  z
    .array(
      z
        .codec(z.string().regex(ipRangePattern), z.custom<IpRange>(), {
          decode: (text, { issues }) => parseIpRange(text) ?? refused(text, issues),
          encode: formatIpRange,
        })
        .register(facts, { accepts: 'an IP address or a CIDR range such as 10.0.0.0/8' }),
    )
    .register(facts, {
      accepts: 'a list of IP addresses and CIDR ranges such as [10.0.0.0/8]',
      placeholder: 'IP,CIDR,...',
    });

/** Scheme, host and optional port of a server; becomes an origin such as `https://pool.example`. */
export const origin = () =>
  z
    .string()
    .regex(/^https?:\/\/[^/\\?#@\s]+\/?$/i)
    .refine((text) => URL.canParse(text) && new URL(text).port !== '0')
    .overwrite((text) => (URL.canParse(text) ? new URL(text).origin : text))
    .register(facts, {
      accepts: 'scheme and host such as https://pool.example.com (no path, query or credentials)',
      placeholder: 'URL',
    });

/** The path of a PEM file. PEM data instead of a path is refused. */
export const filePath = () =>
  z
    .string()
    .regex(/^[^\0\r\n]+$/)
    .refine((text) => masked(text) === text)
    .register(facts, { accepts: 'the path of a PEM file', placeholder: 'FILE', isHidden: true });

/** The path of a file without PEM data. */
export const plainFilePath = () =>
  z
    .string()
    .regex(/^[^\0\r\n]+$/)
    .refine((text) => masked(text) === text)
    .register(facts, { accepts: 'the path of a file', placeholder: 'FILE', isHidden: true });

/** A host name for TLS server name indication, which does not allow IP addresses (RFC 6066 section 3). */
export const hostName = () =>
  z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i)
    .refine((text) => isIP(text) === 0)
    .register(facts, { accepts: 'a host name', placeholder: 'NAME' });

/** A list of host names. `*.example.com` stands for all names below `example.com`. */
export const hostPatterns = () =>
  z
    .array(
      z
        .string()
        .regex(/^(?:\*\.)?[\w~-]+(?:\.[\w~-]+)*\.?$/)
        .max(253)
        .register(facts, { accepts: 'a host name such as proxy.example.com or *.example.com' }),
    )
    .register(facts, {
      accepts: 'a list of host names such as [proxy.example.com, *.example.com]',
      placeholder: 'NAME,...',
    });

/**
 * A list of host names of a pool. `*.example.com` stands for all names below `example.com`, and `*` for every name
 * that no other pool has. A name with a port counts only with this port.
 */
export const poolHosts = () =>
  z
    .array(
      z
        .string()
        .regex(
          /^(?:\*|(?:(?:\*\.)?[\w~-]+(?:\.[\w~-]+)*\.?|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?)$/,
        )
        .max(259)
        .register(facts, {
          accepts: 'a host name such as web.example.com, web.example.com:4443, *.example.com or *',
        }),
    )
    .register(facts, {
      accepts: 'a list of host names such as [web.example.com, *.example.com]',
      placeholder: 'NAME,...',
    });

/** A list of at least one origin, see `origin`. */
export const origins = () =>
  z.array(origin()).min(1).register(facts, {
    accepts: 'a list of at least one scheme and host such as [https://fe01.example.com:4443]',
    placeholder: 'URL,...',
  });

/** A short name for logs and metrics. */
export const shortName = () =>
  z
    .string()
    .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
    .register(facts, {
      accepts: 'up to 63 lower-case letters, digits and hyphens',
      placeholder: 'NAME',
    });

function refused(input: string, issues: z.core.$ZodRawIssue[]): never {
  issues.push({ code: 'custom', input });
  return z.NEVER;
}
