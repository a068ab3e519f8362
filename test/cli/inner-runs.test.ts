import { expect, test } from 'vitest';
import { setAsideInside } from '../../src/cli/inner-runs.js';
import type { Client } from '../../src/coordinator/client.js';
import { CoordError } from '../../src/core/errors.js';
import type { RunView } from '../../src/core/views.js';

const outer = {
  steps: [
    { id: 'fine', run: 'a.1', status: 'working' },
    { id: 'torn', run: 'a.2', status: 'working' },
    { id: 'aside', run: 'a.3', status: 'waiting' },
    { id: 'over', run: 'a.4', status: 'failed' },
    { id: 'plain', run: null, status: 'working' },
  ],
} as unknown as RunView;

test('a run waits for runs inside that are set aside, or cannot be read, and says why', async () => {
  const asked: string[] = [];
  const client = {
    get: (run: string) => {
      asked.push(run);
      if (run === 'a.2') return Promise.reject(new CoordError('RUN_UNREADABLE', 'its record is damaged'));
      return Promise.resolve({ quarantined: run === 'a.3' ? 'a message killed its coordinator' : null });
    },
  } as unknown as Client;
  expect(await setAsideInside(client, outer)).toEqual([
    'step torn waits for run a.2, which is set aside: its record is damaged; coord repair a.2',
    'step aside waits for run a.3, which is set aside: a message killed its coordinator; coord repair a.3',
  ]);
  expect(asked).toEqual(['a.1', 'a.2', 'a.3']);
});
