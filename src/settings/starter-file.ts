/** The settings file that the command `init` writes. */
import { stringify } from 'yaml';
import type * as z from 'zod';
import { quoted } from './quoted.ts';
import { facts, filePath, oneOf, origin, poolHosts } from './value-kinds.ts';

/** The answers that the file depends on. An empty text is no answer. */
export interface Starter {
  readonly placement: string;
  readonly upstream: string;
  /** Separated by commas. */
  readonly names: string;
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly mode: string;
}

const kinds: Readonly<Record<keyof Starter, z.ZodType>> = {
  placement: oneOf('sidecar', 'gateway'),
  upstream: origin(),
  names: poolHosts(),
  tlsCert: filePath(),
  tlsKey: filePath(),
  mode: oneOf('shadow', 'adaptive'),
};

/** Returns the problem with an answer, as in messages about settings. */
export function answerProblem(name: keyof Starter, answer: string): string | undefined {
  const kind = kinds[name];
  if (kind.safeParse(name === 'names' ? namesIn(answer) : answer).success) return undefined;
  const { accepts = '', isHidden = false } = facts.get(kind) ?? {};
  return `expected ${accepts}, found ${isHidden ? 'other text' : quoted(answer)}`;
}

/** Returns the text of a settings file with comments. The answers must have no problem. */
export function starterFile(starter: Starter): string {
  const isSidecar = starter.placement === 'sidecar';
  return [
    '# Settings of ucwa-batch-proxy. "ucwa-batch-proxy help serve" describes all of them.\n',
    '# "ucwa-batch-proxy check-config --config FILE" checks this file.\n\n',
    isSidecar ? sidecarListeners(starter) : gatewayListeners(starter),
    starter.names === '' ? onePool(starter) : namedPool(starter),
    batching(starter),
    isSidecar ? sidecarDrain : '',
  ].join('');
}

function sidecarListeners(starter: Starter): string {
  return `listen:
  # The application calls this address instead of the pool. Other machines cannot reach it.
  address: 127.0.0.1:18080
${clientTls(starter)}
admin:
  # Health checks and metrics. In a pod, the kubelet and Prometheus need 0.0.0.0:19464.
  address: 127.0.0.1:19464

`;
}

function gatewayListeners(starter: Starter): string {
  const [address, why] =
    starter.tlsCert === ''
      ? [
          '0.0.0.0:8080',
          'Plain HTTP shows tokens to the network: use it only behind a balancer with TLS.',
        ]
      : ['0.0.0.0:443', 'All addresses of this machine. A port below 1024 can need a privilege.'];
  return `listen:
  # ${why}
  address: ${address}
${clientTls(starter)}  # Only a balancer of your own may describe its clients. Never add addresses of clients.
  # trustedProxies: [10.0.0.10]

admin:
  # Health checks and metrics, only for this machine. They have no password.
  address: 127.0.0.1:9464

`;
}

function clientTls({ tlsCert, tlsKey }: Starter): string {
  if (tlsCert === '') return '';
  return `  tls:
    # The proxy reads both files again when they change.
    cert: ${scalar(tlsCert)}
    key: ${scalar(tlsKey)}
`;
}

function onePool({ upstream }: Starter): string {
  return `upstream:
  # The pool receives all calls, whatever name the client used.
  url: ${scalar(upstream)}
  # For a pool with a certificate of your own authority:
  # tls:
  #   ca: /etc/ucwa-batch-proxy/ca.pem
  # For clients that sign in by NTLM or Negotiate. Their calls are not batched.
  # connectionAuth: bind

`;
}

function namedPool({ upstream, names }: Starter): string {
  return `pools:
  - name: front-end
    # A request for another name gets 421. The pool receives the name that the client used.
    hosts:
${namesIn(names)
  .map((name) => `      - ${scalar(name)}\n`)
  .join('')}    servers:
      - ${scalar(upstream)}
    # For a pool with a certificate of your own authority, or for another name:
    # tls:
    #   ca: /etc/ucwa-batch-proxy/ca.pem
    #   servername: webext.example.com
    # For clients that sign in by NTLM or Negotiate. Their calls are not batched.
    # connectionAuth: bind

`;
}

function batching({ mode }: Starter): string {
  const [first, second] =
    mode === 'shadow'
      ? [
          'shadow sends each call by itself. The log says every 10 minutes what batching would save.',
          'adaptive batches. docs/savings.md explains when to change it.',
        ]
      : [
          'adaptive batches: it holds a call while another call of the user is likely.',
          'shadow sends each call by itself, and counts what batching would save.',
        ];
  return `batching:
  # ${first}
  # ${second}
  mode: ${mode}
${mode === 'shadow' ? recording : ''}`;
}

const recording = `
# A recording of the times of calls, for "ucwa-batch-proxy tune". It contains no paths and no tokens.
# record:
#   file: /var/lib/ucwa-batch-proxy/calls.csv
`;

const sidecarDrain = `
drain:
  # No balancer has to notice the end of a sidecar.
  delayMs: 0
`;

function namesIn(text: string): string[] {
  return text === '' ? [] : text.split(',').map((name) => name.trim());
}

/** Formats a value that a user gave, with quotes if it needs them. */
function scalar(value: string): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}
