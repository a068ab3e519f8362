import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { lifecycleDiagram } from '../../src/machines/diagram.js';
import { runLifecycle } from '../../src/machines/run.machine.js';
import { stepLifecycle } from '../../src/machines/step.machine.js';

/** To write the drawings anew after a change of a machine: paste what this test prints. */
test('docs/lifecycles.md holds the drawings of the machines as they are', () => {
  const page = readFileSync(new URL('../../docs/lifecycles.md', import.meta.url), 'utf8');
  const drawings = [...page.matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map((match) => match[1]);
  expect(drawings).toEqual([lifecycleDiagram(runLifecycle.machine), lifecycleDiagram(stepLifecycle.machine)]);
});
