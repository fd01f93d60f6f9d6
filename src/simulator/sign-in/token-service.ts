/** Issues tokens for passwords, signed-in connections and guests of meetings, and web tickets. */
import { page } from './pages.ts';
import type { ConnectionSignIn, SignInStep } from './connection-sign-in.ts';
import { type Credentials, guestLifetimeSeconds, tokenLifetimeSeconds } from './credentials.ts';
import { type FlatHeaders, headerValue } from '../representation/headers.ts';
import type { Outcome } from '../representation/outcome.ts';
import type { Site } from './sites.ts';

export interface TokenRequest {
  readonly headers: FlatHeaders;
  readonly body: Buffer;
  readonly site: Site;
  readonly connection: ConnectionSignIn;
}

/** Grants that `POST /WebTicket/oauthtoken` accepts. */
export const grants = [
  'urn:microsoft.rtc:windows',
  'urn:microsoft.rtc:anonmeeting',
  'password',
] as const;

type Grant = (typeof grants)[number];

type Granted = { readonly user: string; readonly seconds: number } | Outcome;

const signInFailed = tokenAnswer(
  400,
  { error: 'invalid_grant', error_description: 'The sign-in failed.' },
  ['X-Ms-diagnostics', '28010;source="fe01.pool.example";reason="Unable to sign in."'],
);

export class TokenService {
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Answers a request for a token. */
  token(request: TokenRequest): Outcome {
    // Some clients send the first message of a handshake without the body.
    const step = request.connection.step(request.headers);
    if (step.kind === 'challenge') return challenged([step.challenge]);
    const form = formOf(request);
    const grant = grants.find((one) => one === form.get('grant_type'));
    if (grant === undefined) return tokenAnswer(400, { error: 'unsupported_grant_type' });
    const granted = this.#grant(grant, form, step);
    if ('status' in granted) return granted;
    return tokenAnswer(200, {
      access_token: this.#credentials.issueToken(granted.user, request.site),
      expires_in: granted.seconds,
      ms_rtc_identityscope: 'local',
      token_type: 'Bearer',
    });
  }

  /** Answers a SOAP request for a web ticket, which needs a signed-in connection. */
  webTicket(request: TokenRequest): Outcome {
    const granted = signedIn(request.connection.step(request.headers));
    if ('status' in granted) return granted;
    const ticket = this.#credentials.issueTicket(granted.user);
    const text =
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><RequestSecurityTokenResponse>' +
      `<RequestedSecurityToken>${ticket}</RequestedSecurityToken>` +
      '</RequestSecurityTokenResponse></s:Body></s:Envelope>';
    const contentType = 'text/xml; charset=utf-8';
    return { status: 200, content: { kind: 'bytes', contentType, bytes: Buffer.from(text) } };
  }

  #grant(grant: Grant, form: URLSearchParams, step: SignInStep): Granted {
    switch (grant) {
      case 'urn:microsoft.rtc:windows':
        return signedIn(step);
      case 'urn:microsoft.rtc:anonmeeting': {
        const uri = form.get('ms_rtc_conferenceuri') ?? '';
        const id = /^sip:[^;]+;gruu;opaque=app:conf:focus:id:(\w+)$/i.exec(uri)?.[1];
        if (id === undefined || form.get('password') !== id) return signInFailed;
        return { user: this.#credentials.newGuest(), seconds: guestLifetimeSeconds };
      }
      case 'password': {
        const name = form.get('username') ?? '';
        if (name === '' || form.get('password') === 'wrong') return signInFailed;
        return { user: name, seconds: tokenLifetimeSeconds };
      }
    }
  }
}

/** Returns the fields of a form. One public client sends `multipart/form-data`. */
function formOf({ headers, body }: TokenRequest): URLSearchParams {
  const text = body.toString();
  if (!/^multipart\/form-data/i.test(headerValue(headers, 'content-type') ?? '')) {
    return new URLSearchParams(text);
  }
  const fields = text.matchAll(/; name="([^"]*)"\r\n\r\n([^]*?)\r\n--/g);
  return new URLSearchParams(
    [...fields].map(([, name = '', value = '']): [string, string] => [name, value]),
  );
}

/** Returns the user of the connection, or the next answer of its handshake. */
function signedIn(step: SignInStep): Granted {
  if (step.kind === 'signedIn') return { user: step.user, seconds: tokenLifetimeSeconds };
  return challenged(step.kind === 'challenge' ? [step.challenge] : ['Negotiate', 'NTLM']);
}

function challenged(challenges: readonly string[]): Outcome {
  return page(
    401,
    '<h2>401 - Unauthorized: Access is denied due to invalid credentials.</h2>',
    challenges.flatMap((challenge) => ['WWW-Authenticate', challenge]),
  );
}

function tokenAnswer(
  status: number,
  json: Readonly<Record<string, string | number>>,
  headers: readonly string[] = [],
): Outcome {
  const bytes = Buffer.from(JSON.stringify(json));
  return {
    status,
    content: { kind: 'bytes', contentType: 'application/json; charset=utf-8', bytes },
    headers: ['Cache-Control', 'no-store', ...headers],
  };
}
