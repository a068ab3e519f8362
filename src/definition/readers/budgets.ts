/** What may be used at most: `budget` of a workflow and of a step. */
import type { Budget, RunBudget } from '../ask-policy.js';
import { Sheet } from './sheet.js';

/** Most tokens and turns that a file may name: beyond any work, and still exact. */
const MOST = 1_000_000_000_000;
const MEANT = {
  cost: 'cost_usd',
  usd: 'cost_usd',
  max_tokens: 'tokens',
  max_turns: 'turns',
  warn: 'soft',
  soft_limit: 'soft',
};

export function readBudget(outer: Sheet): Budget | null {
  return read(outer, ['tokens', 'cost_usd', 'turns']);
}

export function readRunBudget(outer: Sheet): RunBudget | null {
  return read(outer, ['tokens', 'cost_usd', 'turns', 'soft']);
}

function read(outer: Sheet, known: readonly string[]): RunBudget | null {
  const node = outer.fields.map('budget', 'a map such as { tokens: 500000, cost_usd: 5 }');
  if (node === null) return null;
  const sheet = new Sheet(node, `the budget of ${outer.owner}`, outer.problems);
  sheet.fields.only({ known, meant: MEANT });
  const tokens = sheet.number('tokens', { from: 1, to: MOST });
  const cost = above(sheet, 'cost_usd', 'dollars above 0, for example 2.5', MOST);
  const turns = sheet.number('turns', { from: 1, to: MOST });
  const soft = known.includes('soft') ? above(sheet, 'soft', 'a part above 0 and up to 1, for example 0.8', 1) : null;
  if (!['tokens', 'cost_usd', 'turns'].some((key) => sheet.fields.has(key)))
    sheet.fields.missing('tokens', 'Say what is limited: "tokens", "cost_usd" or "turns".');
  return {
    ...(tokens !== null && { tokens }),
    ...(cost !== null && { cost_usd: cost }),
    ...(turns !== null && { turns }),
    ...(soft !== null && { soft }),
  };
}

function above({ fields }: Sheet, key: string, wanted: string, most: number): number | null {
  const node = fields.scalar(key, wanted);
  if (node === null) return null;
  if (typeof node.value === 'number' && node.value > 0 && node.value <= most) return node.value;
  return fields.refuse(key, wanted);
}
