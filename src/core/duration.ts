/** How people write how long something takes. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `1500ms`, `30s`, `5m`, `1.5h`, `2d`, or of a bare number of seconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)?$/.exec(text.trim());
  if (match === null) return null;
  return Number(match[1]) * (UNIT_MS[match[2] ?? 's'] ?? 1_000);
}

const WORDS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** The other way round, to the second: `5m`, `1h 30m`, `2d 3h 4m`. */
export function durationText(ms: number): string {
  let left = Math.max(1_000, Math.round(ms / 1_000) * 1_000);
  const parts: string[] = [];
  for (const [unit, size] of WORDS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${String(count)}${unit}`);
  }
  return parts.join(' ');
}
