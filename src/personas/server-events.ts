/** Reads server-sent events from a stream of bytes, piece by piece: at most one event is held in memory. */

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

export class EventTooLarge extends Error {}

/** Lines may end in LF, CR or CRLF, and pieces may end anywhere, within a character too. Throws EventTooLarge. */
export async function* serverEvents(
  pieces: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<ServerEvent, void> {
  const decoder = new TextDecoder();
  let unread = '';
  let event = '';
  let data: string[] = [];
  let size = 0;
  for await (const piece of pieces) {
    unread += decoder.decode(piece, { stream: true });
    // A CR at the end may be half of a CRLF.
    const lines = unread.split(/\r\n|\n|\r(?!$)/);
    unread = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { event, data: data.join('\n') };
        [event, data, size] = ['', [], 0];
        continue;
      }
      const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (field === 'event') event = value ?? '';
      else if (field === 'data') {
        data.push(value ?? '');
        size += line.length;
      }
    }
    if (size + unread.length > limit)
      throw new EventTooLarge(`has sent an event of more than ${String(limit)} characters`);
  }
  const last = /^data: ?(.*)$/s.exec(unread.replace(/\r$/, ''))?.[1];
  if (last !== undefined) data.push(last);
  // An event that nothing ends is not complete by the standard; some services end so all the same.
  if (data.length > 0) yield { event, data: data.join('\n') };
}
