/**
 * Cases of h2spec 2.2.1 that fail, by their titles. A plain server of node:http2 fails the same cases, but for those of
 * `withoutTls`. The reasons are in the code of nghttp2 1.61 and of Node 20.
 */
const closed = 'nghttp2 ignores frames on a stream that it has just closed, as RFC 9113 5.1 allows';

export const known: Readonly<Record<string, string>> = {
  'closed: Sends a DATA frame after sending RST_STREAM frame': closed,
  'closed: Sends a HEADERS frame after sending RST_STREAM frame': closed,
  'closed: Sends a DATA frame': closed,
  'closed: Sends a HEADERS frame': closed,
  'Sends stream identifier that is numerically smaller than previous':
    'nghttp2 ignores the frame, because the stream of the case counts as closed',
  'Sends a PING frame with ACK':
    'Node closes the connection, because it has sent no such PING; RFC 9113 only forbids an answer',
  'Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1':
    'Node closes the connection before the GOAWAY is read',
};

export const withoutTls: Readonly<Record<string, string>> = {
  'Sends invalid connection preface':
    'the port speaks HTTP/1.1 too, so it answers 400 in HTTP/1.1 before it closes the connection',
};
