import { expect, test } from 'vitest';
import { EXIT } from '../../../src/cli/exit-codes.js';
import { emit, workflow } from '../../harness/definitions.js';
import { World } from '../world.js';

test('prints what runs emit, as lines or as JSON, and ends after as many as wanted', async () => {
  const world = new World();
  world.workflows.set(
    'tell',
    workflow([emit('a', 'built', { data: { ok: true } }), emit('b', 'shipped')], { name: 'tell' }),
  );
  const lines = world.begin(['events', '--count', '2']);
  const json = world.begin(['events', '--count', '1', '--name', 'shipped', '--json']);
  await world.coord('run', 'tell', '--no-repo');
  const told = await lines.ended;
  expect(told.code).toBe(EXIT.ok);
  expect(told.out).toMatch(/tell-\w+ {2}a {2}built {2}{"ok":true}\n.* {2}b {2}shipped {2}{}\n$/);
  expect(JSON.parse((await json.ended).out)).toMatchObject({ type: 'event.emitted', event: 'shipped', step: 'b' });
});
