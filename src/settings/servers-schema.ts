/** The settings of the servers of a pool: `pools[].fallback` and `pools[].health`. */
import * as z from 'zod';
import { count, facts, milliseconds, origin } from './value-kinds.ts';

const minute = 60_000;

/** The path of a GET, without a query, in characters that need no encoding. */
const checkPath = () =>
  z
    .string()
    .regex(/^\/[\w.~!$&'()*+,;=:@%/-]*$/)
    .max(1000)
    .register(facts, { accepts: 'a path such as /health', placeholder: 'PATH' });

/** Fields of each item of `pools`. */
export const serversFields = {
  fallback: z
    .array(origin())
    .register(facts, {
      accepts: 'a list of schemes and hosts such as [https://other.example.com]',
      placeholder: 'URL,...',
    })
    .prefault([])
    .describe(
      'servers that get the requests while no server of `servers` works: the paired pool. Their certificates need the same tls.servername',
    ),
  health: z
    .strictObject({
      tcpPort: count(1, 65_535)
        .optional()
        .describe(
          'port that each server must accept connections on; for Skype for Business 5061, the port of SIP',
        ),
      path: checkPath()
        .optional()
        .describe(
          'path of a GET that each server must answer with 2xx, 3xx, 401 or 403; the check finds servers that hang',
        ),
      intervalMs: milliseconds(500, 10 * minute)
        .prefault(1000)
        .describe('time between two checks of a server; a check may take half of it, at most 5 s'),
    })
    .prefault({})
    .describe(
      'active checks of the servers; without tcpPort and path the traffic alone decides, and a pool of one server has no checks',
    ),
};
