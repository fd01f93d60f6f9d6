/**
 * The page of an application on another origin. It calls the pool through XFrame pages, as Microsoft's
 * samples do: a frame for each host, `postMessage` for each call.
 */

/** Report of the page: the status of each step, and the answers that the test checks. */
export interface PageReport {
  readonly error?: string;
  readonly statuses: Readonly<Record<string, number>>;
  readonly reads: readonly number[];
  readonly batch: string;
  readonly events: readonly string[];
}

/** Returns the script of the page. `discovery` is where it begins, without a slash at its end. */
export function pageScript(discovery: string): string {
  return `(${page})(${JSON.stringify(discovery)});`;
}

/** Runs in the browser, where only its argument and the page are in scope. */
const page = `async function (discovery) {
  const report = { statuses: {}, reads: [], batch: '', events: [] };
  const waiting = new Map();
  const frames = new Map();
  let next = 0;
  let token;
  addEventListener('message', ({ data }) => {
    const answer = JSON.parse(data);
    waiting.get(answer.messageId)?.(answer);
  });
  function frameAt(url) {
    const { origin } = new URL(url);
    if (!frames.has(origin)) {
      frames.set(origin, new Promise((resolve) => {
        const frame = document.createElement('iframe');
        frame.onload = () => resolve(frame.contentWindow);
        frame.src = url;
        document.body.append(frame);
      }));
    }
    return frames.get(origin);
  }
  async function call(type, url, data, headers = {}) {
    const frame = await frameAt(url);
    const messageId = String(next++);
    const answered = new Promise((resolve) => waiting.set(messageId, resolve));
    const all = { Accept: 'application/json', ...(token ? { Authorization: token } : {}), ...headers };
    const { origin } = new URL(url);
    frame.postMessage(JSON.stringify({ type, url, data, headers: all, messageId }), origin);
    const answer = await answered;
    const isJson = /^content-type: *application\\/json/im.test(answer.headers);
    return { ...answer, json: isJson ? JSON.parse(answer.responseText) : undefined };
  }
  async function signIn(url) {
    const challenged = await call('get', url);
    const oauth = /MsRtcOAuth href="([^"]*)"/.exec(challenged.headers)[1];
    const form = "application/x-www-form-urlencoded;charset='utf-8'";
    const body = 'grant_type=password&username=ann%40pool.example&password=x';
    const granted = await call('post', oauth, body, { 'Content-Type': form });
    token = granted.json.token_type + ' ' + granted.json.access_token;
    return [challenged.status, granted.status];
  }
  const json = { 'Content-Type': 'application/json' };
  const { statuses } = report;
  try {
    await frameAt(discovery + '/xframe');
    const root = await call('get', discovery + '/');
    statuses.root = root.status;
    await frameAt(root.json._links.xframe.href);
    const user = root.json._links.user.href;
    [statuses.challenge, statuses.token] = await signIn(user);
    const found = await call('get', user);
    statuses.user = found.status;
    const applications = found.json._links.applications.href;
    const { origin: home } = new URL(applications);
    if (home !== new URL(user).origin) {
      await frameAt(found.json._links.xframe.href);
      token = undefined;
      await signIn(applications);
    }
    const endpoint = JSON.stringify({ UserAgent: 'page', EndpointId: 'b1', Culture: 'en-US' });
    const created = await call('post', applications, endpoint, json);
    statuses.application = created.status;
    const { _links: links, _embedded: parts } = created.json;
    const available = await call('post', home + parts.me._links.makeMeAvailable.href, '{}', json);
    statuses.available = available.status;
    const polled = call('get', home + links.events.href);
    const base = home + links.self.href;
    const paths = ['/me', '/me/note', '/me/presence', '/people', '/people/groups', '/policies'];
    const reads = await Promise.all(paths.map((path) => call('get', base + path)));
    report.reads = reads.map(({ status }) => status);
    const part = (path) => '\\r\\n--b1\\r\\nContent-Type: application/http; msgtype=request\\r\\n\\r\\n' +
      'GET ' + links.self.href + path + ' HTTP/1.1\\r\\nHost: ' + new URL(home).host +
      '\\r\\nAccept: application/json\\r\\n\\r\\n';
    const batch = await call('post', home + links.batch.href, part('/me') + part('/me/note') + '\\r\\n--b1--\\r\\n', {
      Accept: 'multipart/batching',
      'Content-Type': 'multipart/batching;boundary=b1',
    });
    statuses.batch = batch.status;
    report.batch = batch.responseText;
    const poll = await polled;
    statuses.events = poll.status;
    report.events = (poll.json.sender ?? []).map(({ rel }) => rel);
  } catch (error) {
    report.error = String(error.stack);
  }
  await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
}`;
