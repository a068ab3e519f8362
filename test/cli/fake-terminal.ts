/** A terminal that understands what the program writes and nothing else, so that anything else is a failed test. */

const TOKEN = /\u001B\[(\??)(\d*)([A-Za-z])|\r|\n|[^\u001B\r\n]/gu;

export class FakeTerminal {
  readonly #columns: number;
  readonly #lines: string[][] = [[]];
  #row = 0;
  #column = 0;
  cursorHidden = false;
  /** Lines that were longer than the terminal is wide. */
  wrapped = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  write(text: string): void {
    for (const [token, question, number, letter] of text.matchAll(TOKEN)) {
      if (token === '\r') this.#column = 0;
      else if (token === '\n') this.#lineFeed();
      else if (letter === undefined) this.#put(token);
      else this.#obey(`${question ?? ''}${letter === 'm' ? '' : (number ?? '')}${letter}`, Number(number ?? 0));
    }
  }

  get screen(): string {
    return this.#lines
      .map((line) => line.join('').trimEnd())
      .join('\n')
      .trimEnd();
  }

  #obey(code: string, count: number): void {
    const line = this.#line();
    if (code === '?25l') this.cursorHidden = true;
    else if (code === '?25h') this.cursorHidden = false;
    else if (code === '2K') line.length = 0;
    else if (code === 'J') {
      line.length = Math.min(line.length, this.#column);
      this.#lines.length = this.#row + 1;
    } else if (code.endsWith('A')) {
      this.#row -= count;
      if (this.#row < 0) throw new Error('the cursor went above the top');
    } else if (code !== 'm') throw new Error(`this terminal does not know ${code}`);
  }

  #put(character: string): void {
    if (this.#column >= this.#columns) {
      this.wrapped++;
      this.#lineFeed();
    }
    const line = this.#line();
    while (line.length < this.#column) line.push(' ');
    line[this.#column++] = character;
  }

  #lineFeed(): void {
    this.#row++;
    this.#column = 0;
    if (this.#lines[this.#row] === undefined) this.#lines.push([]);
  }

  #line(): string[] {
    const line = this.#lines[this.#row] ?? [];
    this.#lines[this.#row] = line;
    return line;
  }
}
