/* The feed. It is closed while the page is hidden or paused. */

/** @type {EventSource | undefined} */
let feed;
let isPaused = false;
const reopenAfterMs = 2000;
/** @type {number | undefined} */
let reopenTimer;
/** @type {any} The last frame that is not shown yet. */
let waiting;

/** @param {string} text */
function showState(text) {
  setText(byId('state'), text);
}

function isLooking() {
  return feed !== undefined;
}

function openFeed() {
  clearTimeout(reopenTimer);
  if (feed !== undefined || isPaused || document.hidden) return;
  feed = new EventSource('events');
  feed.addEventListener('open', () => showState('live'));
  feed.addEventListener('error', showLoss);
  feed.addEventListener('hello', (event) => {
    const { version, batching } = JSON.parse(event.data);
    if (version === undefined) return;
    setText(byId('version'), version);
    beginWhatIf(batching);
  });
  feed.addEventListener('message', (event) => {
    const isFirst = waiting === undefined;
    waiting = JSON.parse(event.data);
    // Frames that come faster than the screen shows them replace each other.
    if (isFirst) requestAnimationFrame(showWaiting);
  });
}

/** A browser tries again after a lost connection, but not after another status than 200. */
function showLoss() {
  if (feed?.readyState !== EventSource.CLOSED) {
    showState('not connected, tries again');
    return;
  }
  closeFeed('no feed: eight pages are open, or the page is off; tries again');
  reopenTimer = setTimeout(openFeed, reopenAfterMs);
}

/** @param {string} state */
function closeFeed(state) {
  clearTimeout(reopenTimer);
  feed?.close();
  feed = undefined;
  endWhatIf();
  showState(state);
}

function showWaiting() {
  const frame = waiting;
  waiting = undefined;
  if (frame?.effect === undefined) return;
  showEffect(frame.effect, frame.totals, frame.watchedMs);
  showSettings(frame.batching.mode, frame.switches);
  followSettings(frame.batching);
  showProof(frame.proof);
  showBoard(frame.board);
  showUsers(frame.users);
  showRoutes(frame.routes);
  showTimeLine(frame.timeLine);
  showServers(frame.servers, frame.health);
  showTap(frame.tap);
}

function togglePause() {
  isPaused = !isPaused;
  byId('pause').setAttribute('aria-pressed', String(isPaused));
  if (isPaused) closeFeed('paused');
  else openFeed();
}

const sectionIds = ['board', 'users', 'routes', 'refusals', 'servers', 'tap', 'what-if'];

byId('pause').addEventListener('click', togglePause);
document.addEventListener('keydown', (event) => {
  const { key, altKey, ctrlKey, metaKey } = event;
  if (altKey || ctrlKey || metaKey) return;
  if (key === 'p') togglePause();
  const section = sectionIds[Number(key) - 1];
  if (section === undefined) return;
  byId(section).focus();
  byId(section).scrollIntoView();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) closeFeed('hidden');
  else openFeed();
});
window.addEventListener('pagehide', () => closeFeed('left'));
window.addEventListener('pageshow', openFeed);
openFeed();
