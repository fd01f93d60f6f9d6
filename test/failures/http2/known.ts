/**
 * Cases of h2spec 2.2.1 that fail, by their titles. A plain server of node:http2 fails the same cases, but for those of
 * `withoutTls`. The reasons are in the code of nghttp2 1.70 and of Node 24.
 */
const closed = 'nghttp2 ignores frames on a stream that it has just closed, as RFC 9113 5.1 allows';
const priority = 'nghttp2 ignores PRIORITY frames, which RFC 9113 5.3 deprecates';

export const known: Readonly<Record<string, string>> = {
  'closed: Sends a DATA frame after sending RST_STREAM frame': closed,
  'closed: Sends a HEADERS frame after sending RST_STREAM frame': closed,
  'closed: Sends a DATA frame': closed,
  'closed: Sends a HEADERS frame': closed,
  'Sends stream identifier that is numerically smaller than previous':
    'nghttp2 ignores the frame, because the stream of the case counts as closed',
  'Sends a PING frame with ACK':
    'Node closes the connection, because it has sent no such PING; RFC 9113 only forbids an answer',
  'Sends PRIORITY frame that depend on itself': priority,
  'Sends a PRIORITY frame with 0x0 stream identifier': priority,
};

/** Cases that fail in some runs only, with a plain server too. */
export const sometimes: Readonly<Record<string, string>> = {
  'half closed (remote): Sends a HEADERS frame':
    'the answer may end before the frame arrives, so the stream is closed',
  'Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1':
    'Node may close the connection before the GOAWAY is read',
  'Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream':
    'the answer may end before the frames arrive, so the stream is closed',
};

export const withoutTls: Readonly<Record<string, string>> = {
  'Sends invalid connection preface':
    'the port speaks HTTP/1.1 too, so it answers 400 in HTTP/1.1 before it closes the connection',
};
