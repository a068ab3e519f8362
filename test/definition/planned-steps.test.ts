import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/core/json.js';
import { parseSteps, type PlanningContext } from '../../src/definition/planned-steps.js';

const CONTEXT: PlanningContext = {
  types: ['persona-request', 'parallel', 'loop'],
  personas: new Set(['coder', 'tester']),
  max_steps: 5,
  taken: new Set(['plan', 'research', 'deploy', 'roll-out']),
  readable: ['research'],
  variables: ['base'],
};
const problemsOf = (value: JsonValue, change: Partial<PlanningContext> = {}): readonly string[] => {
  const planned = parseSteps(value, { ...CONTEXT, ...change });
  return planned.ok ? [] : planned.problems;
};

describe('planned steps', () => {
  it('are read as those of a file', () => {
    const planned = parseSteps(
      [
        { id: 'code', persona: 'coder', params: { base: '{{ variables.base }}', seen: '{{ steps.research.result }}' } },
        { id: 'test', persona: 'tester', depends_on: ['code'], condition: "steps.code.status === 'pass'", retries: 1 },
      ],
      CONTEXT,
    );
    expect(planned).toMatchObject({
      ok: true,
      steps: [
        { id: 'code', type: 'persona-request', dependencies: [], on_error: 'fail' },
        { id: 'test', dependencies: ['code'], retries: { count: 1 } },
      ],
    });
  });

  it.each<[JsonValue, string | RegExp]>([
    [null, 'the plan must be a list with at least one step'],
    [{ steps: [] }, 'the plan must be a list with at least one step'],
    [[], 'the plan must be a list with at least one step'],
    [['code'], '[0]: step 1 must be a map, not the text "code". A step starts with "- id: …".'],
    [[{ id: 'a', persona: 'codr' }], '[0].persona: unknown persona "codr" in step "a". Did you mean "coder"?'],
    [
      [{ id: 'a', type: 'workflow', workflow: 'deploy' }],
      '[0].type: the step type "workflow" is not allowed here. Allowed are persona-request, parallel, loop.',
    ],
    [[{ id: 'deploy', persona: 'coder' }], /^\[0\]\.id: the step id "deploy" is there already in the workflow/],
    [[{ id: 'roll_out', persona: 'coder' }], /^\[0\]\.id: the step id "roll_out" is there already in the workflow/],
    [
      [{ id: 'a', persona: 'coder', params: { x: '{{ steps.deploy.result }}' } }],
      /^\[0\]\.params\.x: unknown step "deploy"/,
    ],
    [[{ id: 'a', persona: 'coder', params: { x: '{{ secrets.key }}' } }], /^\[0\]\.params\.x: unknown name "secrets"/],
    [
      [{ id: 'a', type: 'parallel', steps: [{ id: 'b', persona: 'coder', dependencies: ['b'] }] }],
      /^\[0\]\.steps\[0\]\.dependencies\[0\]: Circular dependency detected: b -> b/,
    ],
    [
      Array.from({ length: 6 }, (_, index) => ({ id: `s${String(index)}`, persona: 'coder' })),
      'the plan has 6 steps, more than 5',
    ],
    [
      [{ id: 'a', type: 'loop', until: 'loop.round > 2', steps: [{ id: 'b', persona: 'coder' }] }],
      /has no "max_rounds"/,
    ],
  ])('%j', (value, expected) => {
    const [first = 'no problem'] = problemsOf(value);
    const matches = typeof expected === 'string' ? first === expected : expected.test(first);
    expect({ first, matches }).toEqual({ first, matches: true });
  });

  it('of any size and shape end in an answer', () => {
    let deep: JsonValue = [];
    for (let depth = 0; depth < 10_000; depth++) deep = [deep];
    const hostile = JSON.parse('[{"id":"a","persona":"coder","params":{"__proto__":{"admin":true}}}]') as JsonValue;
    expect(problemsOf(deep)).toEqual(['lists and maps are nested deeper than 50 levels']);
    expect(problemsOf(hostile)).toEqual(['the name "__proto__" is not accepted']);
    expect(problemsOf(Array.from({ length: 150_000 }, () => 1))).toEqual(['there are more than 100000 values']);
    const many = Array.from({ length: 20_000 }, (_, index) => ({ id: `s${String(index)}`, persona: 'coder' }));
    expect(problemsOf(many).join()).toMatch(/more than 2000 steps/);
    expect(problemsOf(Array.from({ length: 3_000 }, () => 'x'))).toHaveLength(50);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('are the same twice', () => {
    const value: JsonValue = [{ id: 'a', persona: 'coder' }];
    expect(parseSteps(value, CONTEXT)).toEqual(parseSteps(value, CONTEXT));
  });
});
