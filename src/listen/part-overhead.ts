/** Bytes of a part besides its own fields: delimiter, part header, request line, `Host`. */
export const partOverheadBytes = 160;
