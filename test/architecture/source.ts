/**
 * Source text taken apart just far enough for the house rules: comments dropped, every string and template
 * replaced by a numbered mark, so that a rule never trips over a word in a message. TypeScript 7 has no
 * compiler API to ask instead.
 */

export interface Source {
  /** The code, its line breaks kept; string number n stands in it as `"§n"`. */
  readonly code: string;
  /** The texts of strings and templates; a substitution stands in them as `§`. */
  readonly texts: readonly string[];
}

export interface Import {
  /** What is imported, as written. */
  readonly specifier: string;
}

export function readSource(text: string): Source {
  return new Reader(text).read();
}

/** Static and dynamic imports, re-exports, type imports and `require`, in no particular order. */
export function importsOf(source: Source): readonly Import[] {
  const patterns = [
    /\b(?:import|export)\b[^;"]*?\bfrom\s*"§(\d+)"/g,
    /\bimport\s*"§(\d+)"/g,
    /\b(?:import|require)\s*\(\s*"§(\d+)"/g,
  ];
  const found = new Set<string>();
  for (const pattern of patterns) {
    for (const match of source.code.matchAll(pattern)) {
      const specifier = source.texts[Number(match[1])];
      if (specifier !== undefined) found.add(specifier);
    }
  }
  return [...found].map((specifier) => ({ specifier }));
}

/** Lua text without its comments, so that a header may name the keys it is given. */
export function luaCode(text: string): string {
  return text.replace(/--\[\[[\s\S]*?\]\]/g, '').replace(/--.*$/gm, '');
}

/** After one of these words a slash begins a regular expression, after any other it divides. */
const BEFORE_REGEX = /(?:^|[^\w$)\]"}]|\b(?:return|typeof|case|in|of|do|else|void|delete|await|yield|throw))$/;

class Reader {
  readonly #text: string;
  readonly #texts: string[] = [];
  #code = '';
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Source {
    this.#readCode(false);
    return { code: this.#code, texts: this.#texts };
  }

  /** Reads up to the end, or up to the brace that closes a template's substitution. */
  #readCode(untilBrace: boolean): void {
    let depth = 0;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? '';
      const pair = this.#text.slice(this.#at, this.#at + 2);
      if (pair === '//') this.#skipTo('\n');
      else if (pair === '/*') this.#skipTo('*/', true);
      else if (char === "'" || char === '"') this.#mark(this.#readString(char));
      else if (char === '`') this.#readTemplate();
      else if (char === '/' && BEFORE_REGEX.test(this.#code.trimEnd())) this.#readRegex();
      else {
        if (char === '{') depth++;
        if (char === '}' && depth-- === 0 && untilBrace) return;
        this.#code += char;
        this.#at++;
      }
    }
  }

  #mark(text: string): void {
    this.#code += `"§${String(this.#texts.length)}"`;
    this.#texts.push(text);
  }

  #readString(quote: string): string {
    const from = ++this.#at;
    while (this.#at < this.#text.length && this.#text[this.#at] !== quote)
      this.#at += this.#text[this.#at] === '\\' ? 2 : 1;
    return this.#text.slice(from, this.#at++);
  }

  /** The template's text becomes one mark; the code of its substitutions follows it, each in brackets. */
  #readTemplate(): void {
    const substitutions: string[] = [];
    let text = '';
    this.#at++;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '`') {
      if (this.#text.startsWith('${', this.#at)) {
        this.#at += 2;
        const before = this.#code;
        this.#code = '';
        this.#readCode(true);
        this.#at++;
        substitutions.push(this.#code);
        this.#code = before;
        text += '§';
      } else {
        const length = this.#text[this.#at] === '\\' ? 2 : 1;
        text += this.#text.slice(this.#at, this.#at + length);
        this.#at += length;
      }
    }
    this.#at++;
    this.#mark(text);
    for (const code of substitutions) this.#code += `+(${code})`;
  }

  #readRegex(): void {
    const from = this.#at++;
    let inClass = false;
    while (this.#at < this.#text.length && (inClass || this.#text[this.#at] !== '/')) {
      const char = this.#text[this.#at];
      if (char === '[') inClass = true;
      if (char === ']') inClass = false;
      this.#at += char === '\\' ? 2 : 1;
    }
    this.#mark(this.#text.slice(from, ++this.#at));
  }

  /** Skips a comment, keeping its line breaks. */
  #skipTo(end: string, including = false): void {
    const found = this.#text.indexOf(end, this.#at + 2);
    const to = found === -1 ? this.#text.length : found + (including ? end.length : 0);
    this.#code += including ? ` ${this.#text.slice(this.#at, to).replace(/[^\n]/g, '')}` : '';
    this.#at = to;
  }
}
