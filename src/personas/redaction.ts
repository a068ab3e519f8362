/** Takes secrets that are known out of whatever came from outside, before anybody sees it. */
import { isJsonObject, type JsonValue } from '../core/json.js';

export interface Redactor {
  text(text: string): string;
  /** Texts and keys at any depth. */
  value(value: JsonValue): JsonValue;
}

/** Shorter ones would be found everywhere, and are no secrets. */
const SHORTEST = 6;

export function redactorOf(secrets: readonly (string | null)[]): Redactor {
  const known = secrets
    .flatMap((secret) => (secret === null ? [] : [secret, encodeURIComponent(secret)]))
    .filter((secret, index, all) => secret.length >= SHORTEST && all.indexOf(secret) === index)
    .toSorted((a, b) => b.length - a.length);
  const text = (raw: string): string => known.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), raw);
  const value = (raw: JsonValue): JsonValue => {
    if (typeof raw === 'string') return text(raw);
    if (Array.isArray(raw)) return (raw as readonly JsonValue[]).map((item) => value(item));
    if (!isJsonObject(raw)) return raw;
    return Object.fromEntries(Object.entries(raw).map(([key, member]) => [text(key), value(member)]));
  };
  return { text, value };
}
