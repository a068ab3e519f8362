/** Whether an answer can be taken as a run stands now: told to whoever answers, before it becomes a message. */
import type { StoredRun } from '../core/ports.js';
import type { decideBodySchema } from '../core/messages.js';
import type { z } from 'zod';
import type { Plan } from '../definition/plan.js';
import { refusalOf } from '../machines/answers.js';
import { readerOf } from './view.js';

/** Why the answer would change nothing, or null. */
export function whyRefused(stored: StoredRun, plan: Plan, answer: z.infer<typeof decideBodySchema>): string | null {
  return refusalOf(readerOf(stored, plan), answer);
}
