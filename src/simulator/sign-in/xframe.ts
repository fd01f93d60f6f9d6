/**
 * The XFrame page. An application of another origin embeds it, and sends it requests with
 * `postMessage`: JSON with `type`, `url`, `headers`, `data` and `messageId`. The page sends each request
 * to its own origin, and posts the answer back: `status`, `statusText`, `responseText`, `headers` and
 * `messageId`.
 */
export const xframeScript = `
addEventListener('message', function (event) {
  if (event.source !== parent) return;
  var asked;
  try { asked = JSON.parse(event.data); } catch (error) { return; }
  var call = new XMLHttpRequest();
  call.open(asked.type, asked.url);
  for (var name in asked.headers) call.setRequestHeader(name, asked.headers[name]);
  call.setRequestHeader('X-Ms-Origin', event.origin);
  call.setRequestHeader('X-Requested-With', 'XMLHttpRequest');
  call.onloadend = function () {
    var answer = {
      messageId: asked.messageId,
      status: call.status,
      statusText: call.statusText,
      responseText: call.responseText,
      headers: call.getAllResponseHeaders()
    };
    event.source.postMessage(JSON.stringify(answer), event.origin);
  };
  call.send(asked.data);
});
`;
