/** Asks several at once, and does not wait for the slow ones for long once somebody has answered. */
import type { Clock } from '../core/clock.js';

/** What is known when all have answered, or `graceMs` after the first good answer. */
export async function gather<T>(
  asked: readonly Promise<T>[],
  { clock, graceMs }: { readonly clock: Clock; readonly graceMs: number },
): Promise<{ readonly answers: readonly T[]; readonly reasons: readonly unknown[] }> {
  const answers: T[] = [];
  const reasons: unknown[] = [];
  const waiting = new AbortController();
  let grace: Promise<void> | null = null;
  const all = Promise.all(
    asked.map(async (ask) => {
      try {
        answers.push(await ask);
        grace ??= clock.sleep(graceMs, waiting.signal);
      } catch (error) {
        reasons.push(error);
      }
    }),
  );
  await Promise.race([
    all,
    Promise.any(asked).then(
      () => grace,
      () => all,
    ),
  ]);
  waiting.abort();
  return { answers: [...answers], reasons: [...reasons] };
}
