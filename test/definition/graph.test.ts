import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { createMachine } from 'xstate';
import { toMermaid, toSvg, toXStateConfig } from '../../src/definition/graph.js';
import { definitionOf } from './workflow-text.js';

const loop = definitionOf(readFileSync(new URL('../../workflows/project-loop.yml', import.meta.url), 'utf8'));
const hostile = definitionOf(
  `name: '</title><script>alert(1)</script>'\nsteps:\n  - { id: end, persona: p, name: '"]; click end "javascript:x" <b>&amp; \\e ]]>', condition: "task.a < 1 && task.b !== '\\"<'" }\n`,
);

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
    for (const definition of [loop, hostile]) {
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

  it('draws 2,000 steps in a chain', () => {
    const steps = Array.from(
      { length: 2_000 },
      (_, index) =>
        `- { id: s${String(index)}, persona: p${index === 0 ? '' : `, dependencies: [s${String(index - 1)}]`} }`,
    );
    const start = performance.now();
    toSvg(definitionOf(`name: w\nsteps:\n${steps.join('\n')}\n`));
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
});
