/* Refusals and splits by second, on a canvas. The kinds differ by color, by pattern and by place. */

/**
 * @typedef {object} TimeLine
 * @property {readonly number[]} refused
 * @property {readonly number[]} refusedByPool
 * @property {readonly number[]} splits
 */

const timeLineKinds = /** @type {const} */ ([
  { name: 'refusedByPool', words: 'refused by the pool', color: '--refused' },
  { name: 'splits', words: 'splits', color: '--good' },
  { name: 'refused', words: 'refused here', color: '--server' },
]);

/** @param {TimeLine} timeLine */
function showTimeLine(timeLine) {
  const canvas = /** @type {HTMLCanvasElement} */ (byId('time-line'));
  const context = canvas.getContext('2d');
  const { clientWidth, clientHeight } = canvas;
  if (context === null || clientWidth === 0) return;
  const ratio = window.devicePixelRatio;
  const width = Math.round(clientWidth * ratio);
  const height = Math.round(clientHeight * ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  const style = getComputedStyle(document.documentElement);
  const laneHeight = clientHeight / timeLineKinds.length;
  const left = 150;
  context.font = '12px system-ui, sans-serif';
  timeLineKinds.forEach(({ name, words, color }, lane) => {
    const counts = timeLine[name];
    const most = Math.max(1, ...counts);
    const base = (lane + 1) * laneHeight - 4;
    const step = (clientWidth - left) / counts.length;
    context.fillStyle = style.getPropertyValue('--soft');
    context.fillText(`${words}${most > 1 ? `, at most ${number(most)}` : ''}`, 0, base - 4);
    context.fillRect(left, base, clientWidth - left, 1);
    context.fillStyle = style.getPropertyValue(color);
    counts.forEach((count, second) => {
      if (count === 0) return;
      const tall = Math.max(3, (count / most) * (laneHeight - 8));
      context.fillRect(left + second * step, base - tall, Math.max(2, step - 1), tall);
    });
  });
  const sums = timeLineKinds.map(({ name, words }) => {
    const sum = timeLine[name].reduce((total, count) => total + count, 0);
    return `${number(sum)} ${words}`;
  });
  const text = `${sums.join(', ')}.`;
  setText(byId('time-line-words'), text);
  setAttribute(canvas, 'aria-label', text);
}
