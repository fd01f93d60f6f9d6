/** Checks of connections, TLS and of the fields that the proxy adds or relies on. */
import { headerValue } from '../../../core/messages/http-message.ts';
import { pseudonym } from '../../../core/messages/forwarded-headers.ts';
import { asBelieved, type Check, different, notKnown } from '../check.ts';
import { tlsFacts } from '../tls.ts';

const leastDays = 14;
const dayMs = 86_400_000;
const mostSkewMs = 60_000;
const otherHost = 'ucwa-batch-proxy-verify.invalid';

export const transportChecks: readonly Check[] = [
  {
    id: 'tls.version',
    asks: 'Which version of TLS does the pool negotiate, and is its certificate valid?',
    believes: 'TLS 1.2 or 1.3, with a certificate that the proxy can verify',
    async run({ with: { pool, ca, caFile } }) {
      if (pool.protocol === 'http:') return notKnown('the address is plain HTTP');
      const { version, problem } = await tlsFacts(pool, ca);
      const settings = caFile === undefined ? {} : { 'upstream.tls.ca': caFile };
      return problem === undefined
        ? asBelieved(`${version ?? 'TLS'}, and the certificate is verified`, { settings })
        : different(
            problem,
            'The proxy refuses the connection. Give the authority of the certificate with --ca, or replace the certificate.',
          );
    },
  },
  {
    id: 'tls.certificate',
    asks: 'How long is the certificate of the pool valid?',
    believes: `${leastDays} days or longer`,
    async run({ with: { pool, ca, date } }) {
      if (pool.protocol === 'http:') return notKnown('the address is plain HTTP');
      const { endsAtMs } = await tlsFacts(pool, ca);
      if (endsAtMs === undefined) return notKnown('no certificate was verified');
      const days = Math.floor((endsAtMs - date()) / dayMs);
      return days >= leastDays
        ? asBelieved(`${days} days`)
        : different(`${days} days`, 'Renew the certificate of the pool.');
    },
  },
  {
    id: 'http.keep-alive',
    asks: 'Does a connection stay open after an answer?',
    believes: 'it stays open',
    async run(world) {
      const { headers } = await world.with.openSingle().ask({ target: world.target('me') });
      const closes = /\bclose\b/i.test(headerValue(headers, 'connection') ?? '');
      const seconds = /\btimeout=(\d{1,6})\b/i.exec(headerValue(headers, 'keep-alive') ?? '')?.[1];
      if (closes) {
        return different(
          'the pool closes it',
          'Each request costs a connection. Batches then save more, and upstream.idleTimeoutMs has no effect.',
        );
      }
      const announced = seconds === undefined ? '' : `, for ${seconds} s as the pool announces`;
      return asBelieved(`it stays open${announced}`);
    },
  },
  {
    id: 'http.clock',
    asks: 'Does the clock of the pool agree with the clock of this machine?',
    believes: `within ${mostSkewMs / 1000} s`,
    async run(world) {
      const date = headerValue((await world.direct('me')).headers, 'date') ?? '';
      const skewMs = Math.abs(Date.parse(date) - world.with.date());
      if (Number.isNaN(skewMs)) {
        return different('answers have no Date', 'Callers get the date of the proxy instead.');
      }
      const seen = skewMs <= mostSkewMs ? 'they agree' : 'they differ by more than 60 s';
      return skewMs <= mostSkewMs
        ? asBelieved(seen)
        : different(
            seen,
            'A Retry-After with a date, certificates and tokens can be misjudged. Set the clocks.',
          );
    },
  },
  {
    id: 'http.via',
    asks: 'Does the pool answer a request that came through a proxy in the same way?',
    believes: 'a Via changes neither the status nor the coding',
    async run(world) {
      const coded = ['Accept-Encoding', 'gzip'];
      const via = ['Via', `1.1 ${pseudonym}`];
      const plain = await world.session.ask({ target: world.target('me'), headers: coded });
      const proxied = await world.session.ask({
        target: world.target('me'),
        headers: [...coded, ...via],
      });
      if (plain.status !== proxied.status) {
        return different(
          `status ${plain.status} without Via, ${proxied.status} with Via`,
          'The proxy sends Via with each request. Allow requests with Via at the pool.',
        );
      }
      const codings = [plain, proxied].map(({ headers }) => codingOf(headers));
      return codings[0] === codings[1]
        ? asBelieved(`status ${proxied.status} and ${codings[1] ?? ''} both times`)
        : different(
            `${codings[0] ?? ''} without Via, ${codings[1] ?? ''} with Via`,
            'Answers through the proxy have another size on the way from the pool. IIS: noCompressionForProxies.',
          );
    },
  },
  {
    id: 'http.host',
    asks: 'Does the pool answer under a name that it does not have?',
    believes: 'either; the proxy sends only names of the pool',
    async run(world) {
      const { status } = await world.session.ask({
        target: world.target('me'),
        headers: ['Host', otherHost],
      });
      return status < 400
        ? asBelieved('it answers under any name')
        : asBelieved(`it refuses other names with ${status}`, {
            means:
              'List the names of the pool in pools[].hosts, and only names that the pool knows.',
          });
    },
  },
  {
    id: 'http.identity',
    asks: 'Is an answer coded for a caller that accepts no coding?',
    believes: 'it is not coded',
    async run(world) {
      const headers = ['Accept-Encoding', 'identity'];
      const coding = codingOf(
        (await world.session.ask({ target: world.target('me'), headers })).headers,
      );
      return coding === 'no coding'
        ? asBelieved(coding)
        : different(coding, 'Callers without this coding cannot read single answers.');
    },
  },
];

function codingOf(headers: readonly string[]): string {
  const coding = headerValue(headers, 'content-encoding')?.trim().toLowerCase() ?? '';
  if (coding === '' || coding === 'identity') return 'no coding';
  return ['gzip', 'deflate', 'br'].includes(coding) ? coding : 'another coding';
}
