/** CLIs that print their conversation as plain text: the end of it is the last message. */
import type { Usage } from '../../core/exchange.js';
import type { AgentReader, AgentSaid } from './preset.js';

const KEEP = 64 * 1024;

export class PlainReader implements AgentReader {
  readonly #session: string | null;
  readonly #usage: (line: string) => Usage | null;
  #text = '';
  #used: Usage = {};

  /** `usage` reads what a line says of it; a later line counts. */
  constructor(session: string | null, usage: (line: string) => Usage | null) {
    this.#session = session;
    this.#usage = usage;
  }

  line(text: string): string | null {
    const used = this.#usage(text);
    if (used !== null) this.#used = { ...this.#used, ...used };
    else this.#text = `${this.#text}${text}\n`;
    if (this.#text.length > 2 * KEEP) this.#text = this.#text.slice(-KEEP);
    return text.trim() === '' ? null : text;
  }

  said(): AgentSaid {
    const text = this.#text.slice(-KEEP).trim();
    return { text, session: this.#session, usage: this.#used, failure: null, resumesAt: null };
  }
}
