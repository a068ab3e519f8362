/** A scope with something of everything, for the tests of this folder. */
import type { Scope } from '../../src/expression/scope.js';

export function sampleScope(): Scope {
  return {
    task: {
      type: 'hotfix',
      slug: 'login-loop',
      score: 79,
      urgent: true,
      nothing: null,
      tags: ['auth', 'urgent'],
      owners: [
        { name: 'ada', age: 36 },
        { name: 'lin', age: 41 },
      ],
      nested: { deep: { value: 7 } },
      note: '{{ task.slug }} and ${task.slug}',
    },
    variables: { timeout_base: 1800, branch_prefix: 'feat/', flags: { beta: false } },
    context: {
      state: new Map<string, string | { readonly plan: string }>([
        ['qa_status', 'pass'],
        ['planning_result', { plan: 'p' }],
      ]),
    },
    steps: { 'code-review': { status: 'pass', result: { score: 91 }, artifacts: [] } },
    artifacts: {
      'report.md': { name: 'report.md', sha256: 'a'.repeat(64), size: 120, type: 'text/markdown', step: 'code-review' },
    },
    run: { id: 'feature-7k2m9x4h0q', workflow: 'feature' },
    loop: { round: 2, previous: { qa: { status: 'fail', result: { failed: 2 } } } },
  };
}
