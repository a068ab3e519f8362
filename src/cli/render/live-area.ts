/**
 * The lines at the bottom of a terminal that are drawn again in place. While it is open the cursor is hidden, and
 * everything else that is printed goes through `above`; `close` must be called on every way out.
 */
import type { Io } from '../io.js';
import { cut } from './width.js';

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
const CLEAR_LINE = '\u001B[2K';
const CLEAR_BELOW = '\u001B[J';

export class LiveArea {
  readonly #io: Io;
  #lines: readonly string[] = [];
  #open = false;

  constructor(io: Io) {
    this.#io = io;
  }

  draw(lines: readonly string[]): void {
    const opening = this.#open ? '' : HIDE_CURSOR;
    this.#open = true;
    this.#io.stdout.write(`${opening}${this.#up()}${this.#text(lines)}${CLEAR_BELOW}`);
    this.#lines = lines;
  }

  /** Prints lines that stay, above the area. */
  above(text: string): void {
    const kept = text.split('\n').map((line) => `${CLEAR_LINE}${line}\n`);
    this.#io.stdout.write(`${this.#up()}${kept.join('')}${this.#text(this.#lines)}${CLEAR_BELOW}`);
  }

  /** Leaves the last drawn lines where they are. Closing twice is harmless. */
  close(): void {
    if (this.#open) this.#io.stdout.write(SHOW_CURSOR);
    this.#open = false;
    this.#lines = [];
  }

  #up(): string {
    // To the first column as well: the terminal itself prints `^C` when that is pressed.
    return this.#lines.length === 0 ? '\r' : `\r\u001B[${String(this.#lines.length)}A`;
  }

  /** No line may wrap: the way up is counted in lines. */
  #text(lines: readonly string[]): string {
    const { columns } = this.#io;
    return lines.map((line) => `${CLEAR_LINE}${cut(line, columns)}\n`).join('');
  }
}
