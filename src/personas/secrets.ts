/**
 * Takes secrets out of whatever a persona says or leaves, before it is stored, shown or logged anywhere: first those that this
 * process knows, in the encodings in which they turn up, then whatever is shaped like the keys of well-known services.
 */
import { isUtf8 } from 'node:buffer';
import { isJsonObject, type JsonValue } from '../core/json.js';
import type { RawReply } from './runner.js';

/** Stands where a secret was. */
export const REDACTED = '[redacted]';

/** Shorter ones would be found everywhere, and protect nothing. */
const SHORTEST = 8;
/** So much of a secret at the edge of a piece of text is taken for the secret that was cut there. */
const SHORTEST_PART = 6;

/** Texts of this length may well have been cut out of longer ones. */
const LONG = 1_000;

const SECRET_NAME = /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$/i;

/** What the variables of an environment hold that is secret by their names, and passwords in the addresses of others. */
export function secretsIn(
  environment: Readonly<Record<string, string | undefined>>,
  /** Variables that are secret whatever their names. */
  named: readonly string[] = [],
): readonly string[] {
  const secrets = Object.entries(environment).flatMap(([name, value = '']) =>
    SECRET_NAME.test(name) || named.includes(name) ? [value] : passwordsIn(value),
  );
  return secrets.filter((secret) => secret.length >= SHORTEST && !secret.startsWith('/'));
}

function passwordsIn(value: string): readonly string[] {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]*@/i.test(value) || !URL.canParse(value)) return [];
  const { password } = new URL(value);
  return password === '' ? [] : [password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Shapes of keys that are known everywhere. Each ends where the key ends, so that what follows stays readable. */
const SHAPES: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,}/g,
  /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})/g,
  /\bglpat-[A-Za-z0-9_-]{20,}/g,
  /\bxox[abeprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /\bAIza[0-9A-Za-z_-]{35}/g,
  /\bnpm_[A-Za-z0-9]{36}\b/g,
  /\b[rs]k_live_[A-Za-z0-9]{20,}/g,
  /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g,
];
/** In an address only its password is secret. */
const ADDRESS = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/gi;
const BEARER = /(\bauthorization["']?\s*[:=]\s*["']?(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]{16,}/gi;

export class Redaction {
  /** Longest first, so that one that holds another one is found whole. */
  readonly #known: readonly string[];

  constructor(secrets: readonly string[]) {
    const all = new Set(secrets.filter((secret) => secret.length >= SHORTEST).flatMap(spellings));
    this.#known = [...all].toSorted((a, b) => b.length - a.length);
  }

  text(text: string): string {
    let clean = text;
    for (const secret of this.#known) clean = clean.replaceAll(secret, REDACTED);
    for (const shape of SHAPES) clean = clean.replace(shape, REDACTED);
    return clean.replace(ADDRESS, `$1${REDACTED}`).replace(BEARER, `$1${REDACTED}`);
  }

  /** Of a piece that was cut out of more text: what stands at its edges may be a part of a secret. */
  piece(text: string): string {
    let clean = this.text(text);
    for (const secret of this.#known) {
      const end = longest(secret.length - 1, (length) => clean.endsWith(secret.slice(0, length)));
      if (end > 0) clean = `${clean.slice(0, -end)}${REDACTED}`;
      const start = longest(secret.length - 1, (length) => clean.startsWith(secret.slice(-length)));
      if (start > 0) clean = `${REDACTED}${clean.slice(start)}`;
    }
    return clean;
  }

  /** Texts and keys at any depth. */
  value(value: JsonValue): JsonValue {
    if (typeof value === 'string') return value.length < LONG ? this.text(value) : this.piece(value);
    if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => this.value(item));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [this.text(key), this.value(member)]));
  }

  /** Of a file: as text where it is one; else known secrets only, overwritten in place so that nothing moves. */
  bytes(content: Uint8Array): Uint8Array {
    const buffer = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    if (isUtf8(buffer) && !buffer.includes(0)) {
      const text = buffer.toString('utf8');
      const clean = this.piece(text);
      return clean === text ? content : new TextEncoder().encode(clean);
    }
    const clean = Buffer.from(buffer);
    for (const secret of this.#known) {
      for (let at = clean.indexOf(secret); at !== -1; at = clean.indexOf(secret, at + 1))
        clean.fill('*', at, at + Buffer.byteLength(secret));
    }
    return clean;
  }
}

/** As it stands, in an address, and in base 64, where it may begin at each of three places. */
function spellings(secret: string): readonly string[] {
  const inBase64 = [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${'x'.repeat(shift)}${secret}`).toString('base64');
    // Only what the secret alone decides: not what stands before it, nor what comes after it.
    return text.slice(shift === 0 ? 0 : shift + 1, -4);
  });
  return [secret, encodeURIComponent(secret), ...inBase64].filter((spelling) => spelling.length >= SHORTEST);
}

function longest(most: number, fits: (length: number) => boolean): number {
  for (let length = most; length >= SHORTEST_PART; length--) if (fits(length)) return length;
  return 0;
}

/** What a persona has said and left, without secrets. */
export function withoutSecrets({ artifacts, ...reply }: RawReply, redaction: Redaction): RawReply {
  return {
    // A reply is JSON: what went in has the same shape when it comes out.
    ...(redaction.value(reply as unknown as JsonValue) as unknown as typeof reply),
    artifacts: artifacts.map(({ name, type, content }) => ({
      name: redaction.text(name),
      type,
      content: redaction.bytes(content),
    })),
  };
}
