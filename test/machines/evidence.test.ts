/** A run that needs evidence completes only with what was seen to work. */
import { describe, expect, test } from 'vitest';
import type { PersonaReply } from '../../src/core/exchange.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { planning, step, verify } from '../harness/definitions.js';
import { Bench, PASS, passing } from '../harness/fold-bench.js';

const commit = (name: string): string => name.repeat(40);
const work = (of: string, tree = of): PersonaReply => ({ ...PASS, commit: commit(of), tree: commit(tree) });
const proof = (of: string, tree = of): PersonaReply => ({
  ...PASS,
  commit: commit(of),
  tree: commit(tree),
  result: { commit: commit(of), tree: commit(tree), commands: [] },
});
const after = (...dependencies: string[]): { dependencies: string[] } => ({ dependencies });
const STEPS = [step('work'), verify('proof', after('work')), step('later', after('proof'))];

function run(steps: readonly StepDefinition[] = STEPS): Bench {
  return new Bench(steps, { evidence: 'required' }).start();
}

describe('with evidence: required', () => {
  test('a run completes when what was verified is what it ends with', () => {
    expect(run().reply('work', work('a')).reply('proof', proof('a')).reply('later', work('a')).status).toBe(
      'completed',
    );
  });

  test('a commit with the same files takes nothing away', () => {
    const same = run().reply('work', work('a')).reply('proof', proof('a')).reply('later', work('b', 'a'));
    expect(same.status).toBe('completed');
  });

  test('a later change does', () => {
    const changed = run().reply('work', work('a')).reply('proof', proof('a')).reply('later', work('b'));
    expect(changed.status).toBe('failed');
    expect(changed.state.record.failure).toEqual({
      class: 'EVIDENCE',
      message:
        'what was verified (commit aaaaaaaaaaaa) is not what the run ends with (commit bbbbbbbbbbbb): verify after the last change',
      step: null,
    });
  });

  test('a commit whose files nobody has named is another one', () => {
    const { tree: _tree, ...unnamed } = work('b', 'a');
    expect(run().reply('work', work('a')).reply('proof', proof('a')).reply('later', unnamed).status).toBe('failed');
  });

  test('nothing but a verify step of the workflow is evidence', () => {
    const claimed = run([step('work'), step('proof', after('work'))])
      .reply('work', work('a'))
      .reply('proof', proof('a'));
    expect(claimed.state.record.failure).toMatchObject({ class: 'EVIDENCE', message: /nothing was verified/ });
    const types = ['verify'] as const;
    const planned = run([step('work'), planning('plan', { ...after('work'), allow: { types, personas: null } })]);
    planned.reply('work', work('a'));
    planned.reply('plan', passing({ steps: [{ id: 'mine', type: 'verify', run: [['true']] }] }));
    planned.reply('plan[1]/mine', proof('a'));
    expect(planned.step('plan[1]/mine').status).toBe('succeeded');
    expect(planned.state.record.failure).toMatchObject({ class: 'EVIDENCE' });
  });

  test('a verify step that was skipped, or whose failure was passed over, is none', () => {
    const skipped = run([step('work'), verify('proof', { ...after('work'), condition: 'false' })]);
    expect(skipped.reply('work', work('a')).status).toBe('failed');
    const passedOver = run([step('work'), verify('proof', { ...after('work'), on_error: 'continue' })]);
    const no = { ...proof('a'), status: 'fail', error: { class: 'REJECTED', message: 'no' } } as const;
    expect(passedOver.reply('work', work('a')).reply('proof', no).status).toBe('failed');
  });
});

test('a verify step is asked of coord itself, with what it is to do', () => {
  const bench = new Bench([verify('proof', { expect: { tests: { min: 3 } }, protect: ['test/**'] })]).start();
  expect(bench.requests[0]).toMatchObject({
    persona: 'verify',
    params: { run: [['npm', 'test']], tests: 3, protect: ['test/**'] },
  });
});
