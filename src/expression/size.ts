/**
 * How large a value is once it is written out. Lists that share their items are small in memory and without end as
 * JSON: `[x].map(a => [a, a])`, thirty times over, has a billion items, so this is asked before anybody writes it.
 */

/** Whether the JSON text of `value` has at most about `limit` characters. Never looks at more than that. */
export function isWithin(value: unknown, limit: number): boolean {
  const open: unknown[] = [value];
  let size = 0;
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'string') size += next.length + 3;
    else if (typeof next !== 'object' || next === null) size += 6;
    else {
      const members: readonly unknown[] = Array.isArray(next) ? next : Object.values(next);
      size += members.length + 2;
      if (!Array.isArray(next)) for (const key of Object.keys(next)) size += key.length + 3;
      // Counted before they are put there: neither the list of what is open nor the loop grows beyond the limit.
      if (size > limit) return false;
      for (const member of members) open.push(member);
    }
    if (size > limit) return false;
  }
  return true;
}

/** Whether `value` has at most `limit` lists and maps inside each other. Without recursion, since that is what it is asked for. */
export function isShallow(value: unknown, limit: number): boolean {
  const open: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: one, depth } = next;
    if (typeof one !== 'object' || one === null) continue;
    if (depth === limit) return false;
    for (const member of Object.values(one) as unknown[])
      if (typeof member === 'object' && member !== null) open.push({ value: member, depth: depth + 1 });
  }
  return true;
}
