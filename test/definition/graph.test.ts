import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { createMachine } from 'xstate';
import { toMermaid, toSvg, toXStateConfig } from '../../src/definition/graph.js';
import { allSteps, listsOf } from '../../src/definition/steps.js';
import {
  conditional,
  decision,
  emit,
  forEach,
  git,
  inner,
  loop as looping,
  parallel,
  planning as plan,
  step,
  wait,
  workflow,
} from '../harness/definitions.js';
import { definitionOf } from './workflow-text.js';

const loop = definitionOf(readFileSync(new URL('../../workflows/project-loop.yml', import.meta.url), 'utf8'));
const hostile = definitionOf(
  `name: '</title><script>alert(1)</script>'\nsteps:\n  - { id: end, persona: p, name: '"]; click end "javascript:x" <b>&amp; \\e ]]>', condition: "task.a < 1 && task.b !== '\\"<'" }\n`,
);

/** Every type of step, and every kind of list. */
const everything = workflow([
  plan('draft'),
  conditional('size', 'task.small', {}, { then_steps: [step('small')], else_steps: [step('large'), git('push')] }),
  parallel('checks', [step('lint'), step('unit', { on_error: 'continue' })], {
    wait_for: 'any',
    dependencies: ['size'],
  }),
  looping('fix', [step('code'), step('qa', { dependencies: ['code'] })], {
    until: "context.state.get('qa_status') === 'pass'",
    dependencies: ['checks'],
  }),
  forEach('each', [inner('deploy', 'roll-out', { compensate: [step('rollback')] })], { items: [1, 2], concurrency: 1 }),
  decision('approve', { dependencies: ['fix', 'each'] }),
  wait('settle', { duration: '5m', dependencies: ['approve'] }),
  emit('told', 'done', { when: 'always' }),
  step('rescue', { when: 'on_failure', on_error: 'ask', condition: 'task.rescue' }),
]);

/** Whether every tag is closed in order and every character that must be escaped is. */
function wellFormed(xml: string): string {
  const open: string[] = [];
  const rest = xml
    .replace(/<style>[^<]*<\/style>/g, '')
    .replace(
      /<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z:-]+="[^"<&]*")*)\s*(\/?)>/g,
      (_tag, close: string, name: string, _attributes, self: string) => {
        if (close === '/' && open.pop() !== name) open.push(`!${name}`);
        if (close === '' && self === '') open.push(name);
        return '';
      },
    );
  if (open.length > 0) return `not closed: ${open.join(', ')}`;
  return /[<>]|&(?!#\d+;)/.exec(rest)?.[0] ?? 'well-formed';
}

describe('Mermaid', () => {
  it('shows steps, personas, conditions and edges', () => {
    expect(toMermaid(loop)).toMatchInlineSnapshot(`
      "flowchart TD
        step_planning["Implementation Planning<br/>implementation-planner"]
        step_plan_evaluation["Plan Evaluation<br/>plan-evaluator<br/>if context.state.get(#39;planning_result#39;)"]
        step_implementation["Lead Engineer Implementation<br/>lead-engineer"]
        step_qa["Quality Assurance<br/>qa-engineer"]
        step_code_review["Code Review<br/>code-reviewer<br/>if context.state.get(#39;qa_status#39;) === #39;pass#39;"]
        step_security_review["Security Review<br/>security-review<br/>if context.state.get(#39;qa_status#39;) === #39;pass#39;"]
        step_planning --> step_plan_evaluation
        step_plan_evaluation --> step_implementation
        step_implementation --> step_qa
        step_qa --> step_code_review
        step_qa --> step_security_review
      "
    `);
  });

  it('shows blocks as subgraphs, what undoes a step, and the way back in a loop', () => {
    expect(toMermaid(everything)).toMatchInlineSnapshot(`
      "flowchart TD
        step_draft["draft<br/>worker plans up to 50 steps"]
        subgraph step_size["size<br/>if task.small"]
          subgraph then_steps_of_size["then"]
            step_small["small<br/>worker"]
          end
          subgraph else_steps_of_size["else"]
            step_large["large<br/>worker"]
            step_push["push<br/>git commit"]
          end
        end
        subgraph step_checks["checks<br/>until any succeeds"]
          step_lint["lint<br/>worker"]
          step_unit["unit<br/>worker<br/>goes on if it fails"]
        end
        subgraph step_fix["fix<br/>at most 3 rounds, until context.state.get(#39;qa_status#39;) === #39;pass#39;"]
          step_code["code<br/>worker"]
          step_qa["qa<br/>worker"]
          step_code --> step_qa
          step_qa -. "again, at most 3 rounds" .-> step_code
        end
        subgraph step_each["each<br/>for each of 2 items, 1 at a time"]
          step_deploy["deploy<br/>workflow roll-out"]
          subgraph compensate_of_deploy["to undo it"]
            step_rollback["rollback<br/>worker"]
          end
          step_deploy -.-> compensate_of_deploy
        end
        step_approve["approve<br/>asks people#58; approve or reject"]
        step_settle["settle<br/>waits 5m"]
        step_told["told<br/>emits done<br/>always"]
        step_rescue["rescue<br/>worker<br/>if task.rescue<br/>after a failure<br/>asks if it fails"]
        step_size --> step_checks
        step_checks --> step_fix
        step_fix --> step_approve
        step_each --> step_approve
        step_approve --> step_settle
      "
    `);
  });

  it('escapes what means something to Mermaid or to a browser', () => {
    const text = toMermaid(hostile);
    expect(text).toMatchInlineSnapshot(`
      "flowchart TD
        step_end["#34;#93;#59; click end #34;javascript#58;x#34; #60;b#62;#38;amp#59; #92;e #93;#93;#62;<br/>p<br/>if task.a #60; 1 #38;#38; task.b !== #39;#34;#60;#39;"]
      "
    `);
    expect(text.replaceAll('<br/>', '')).not.toMatch(/[<>&]|click end "/);
  });
});

describe('SVG', () => {
  it('is well-formed and self-contained', () => {
    for (const definition of [loop, hostile, everything]) {
      const svg = toSvg(definition);
      expect(wellFormed(svg)).toBe('well-formed');
      expect(svg).toMatch(
        /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+" height="\d+" viewBox="0 0 \d+ \d+"/,
      );
      expect(svg).not.toMatch(/<script|href|url\((?!#head\))/);
    }
  });

  it('would not pass if it were broken', () => {
    expect(wellFormed('<svg><g></svg>')).not.toBe('well-formed');
    expect(wellFormed('<svg>a & b</svg>')).toBe('&');
    expect(wellFormed('<svg>a < b</svg>')).toBe('<');
  });

  it('puts each step below what it waits for, without overlaps', () => {
    const boxes = [...toSvg(loop).matchAll(/<rect class="box[^"]*" x="([\d.]+)" y="([\d.]+)"/g)].map(
      ([, x, y]) => [Number(x), Number(y)] as const,
    );
    expect(boxes).toHaveLength(6);
    const [planning, evaluation, , qa, review, security] = boxes;
    expect(planning?.[1]).toBeLessThan(evaluation?.[1] ?? 0);
    expect(qa?.[1]).toBeLessThan(review?.[1] ?? 0);
    expect(review?.[1]).toBe(security?.[1]);
    expect(Math.abs((review?.[0] ?? 0) - (security?.[0] ?? 0))).toBeGreaterThanOrEqual(220);
    expect(toSvg(loop).match(/<path class="edge"/g)).toHaveLength(5);
  });

  it('puts the steps of a block inside of it, and no two steps on the same place', () => {
    const boxes = new Map(
      [
        ...toSvg(everything).matchAll(
          /<title>(\w+): [^<]*<\/title>\n {4}<rect class="[^"]*" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/g,
        ),
      ].map(([, name = '', ...numbers]) => {
        const [x = 0, y = 0, width = 0, height = 0] = numbers.map(Number);
        return [name, { left: x, top: y, right: x + width, bottom: y + height }];
      }),
    );
    expect([...boxes.keys()].toSorted()).toEqual([...allSteps(everything.steps)].map(({ id }) => id).toSorted());
    const inside = new Map(
      [...allSteps(everything.steps)].flatMap((outer) =>
        listsOf(outer).flatMap(({ steps }) => steps.map(({ id }) => [id, outer.id] as const)),
      ),
    );
    const within = [...inside].filter(([id, around]) => {
      const [box, frame] = [boxes.get(id), boxes.get(around)];
      if (box === undefined || frame === undefined) return false;
      const { left, top, right, bottom } = frame;
      return box.left > left && box.top > top && box.right < right && box.bottom < bottom;
    });
    expect(within).toHaveLength(inside.size);
    const overlaps = [...boxes].flatMap(([id, box]) =>
      [...boxes]
        .filter(([other]) => other !== id && inside.get(other) === inside.get(id))
        .filter(
          ([, { left, top, right, bottom }]) =>
            box.right >= left && right >= box.left && box.bottom >= top && bottom >= box.top,
        )
        .map(([other]) => `${id} and ${other}`),
    );
    expect(overlaps).toEqual([]);
    expect(toSvg(everything).match(/class="edge back"/g)).toHaveLength(1);
  });

  it('draws 2,000 steps in a chain', () => {
    const steps = Array.from(
      { length: 2_000 },
      (_, index) =>
        `- { id: s${String(index)}, persona: p${index === 0 ? '' : `, dependencies: [s${String(index - 1)}]`} }`,
    );
    const definition = definitionOf(`name: w\nsteps:\n${steps.join('\n')}\n`);
    const start = performance.now();
    toSvg(definition);
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});

describe('the XState configuration', () => {
  it('is JSON that XState accepts', () => {
    const config = toXStateConfig(loop);
    expect(parseDocument(JSON.stringify(config)).toJS()).toEqual(config);
    const machine = createMachine(JSON.parse(JSON.stringify(config)) as Parameters<typeof createMachine>[0]);
    expect(Object.keys(machine.states)).toEqual(loop.steps.map(({ id }) => id));
    expect(Object.keys(machine.states['code-review']?.states ?? {})).toContain('skipped');
  });

  it('nests the steps of a block, and goes round in a loop', () => {
    const config = toXStateConfig(everything);
    const machine = createMachine(JSON.parse(JSON.stringify(config)) as Parameters<typeof createMachine>[0]);
    const { fix, size, each, approve } = machine.states;
    expect(Object.keys(fix?.states['working']?.states ?? {})).toEqual(['code', 'qa']);
    expect(fix?.states['working']?.on['ROUND']?.map(({ reenter }) => reenter)).toEqual([true, false]);
    expect(Object.keys(size?.states ?? {})).toEqual(expect.arrayContaining(['then_steps', 'else_steps']));
    const deploy = each?.states['working']?.states['deploy'];
    expect(Object.keys(deploy?.states['compensating']?.states ?? {})).toEqual(['rollback']);
    expect(Object.keys(approve?.states ?? {})).toContain('waiting');
  });
});
