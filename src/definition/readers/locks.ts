/** Steps that take a named lock and give it back: `lock` and `unlock`. */
import { hasHoles } from '../../expression/template.js';
import { LOCK_NAME, LOCK_NAME_WORDS } from '../../core/lock-port.js';
import type { StepBase } from '../steps.js';
import type { StepBody } from './draft.js';
import type { Sheet } from './sheet.js';

export function readLock(sheet: Sheet, base: StepBase): StepBody {
  return { definition: { ...base, type: 'lock', lock: nameOf(sheet) } };
}

export function readUnlock(sheet: Sheet, base: StepBase): StepBody {
  return { definition: { ...base, type: 'unlock', lock: nameOf(sheet) } };
}

function nameOf(sheet: Sheet): string {
  const lock = sheet.needed('lock', 'Name the lock, for example "lock: ticket/{{ task.ticket }}".');
  if (sheet.fields.has('lock') && lock !== '' && !hasHoles(lock) && !LOCK_NAME.test(lock))
    sheet.fields.refuse('lock', `the name of a lock: ${LOCK_NAME_WORDS}`);
  return lock;
}
