import { describe, expect, it } from 'vitest';
import { formatProblems } from '../../src/definition/frame.js';
import { problemsOf } from './workflow-text.js';

const show = (text: string, color = false): string => formatProblems(problemsOf(text), text, { color });

describe('a frame', () => {
  it('shows the place with its neighbors', () => {
    expect(
      `\n${show('name: w\nsteps:\n  - id: a\n    persona: p\n    retries: -1\n    timeout: 5\n')}\n`,
    ).toMatchInlineSnapshot(`
      "
      test.yml:5:14  wrong-type  "retries" of step "a" must be a whole number from 0 to 100, not the number -1
        3 |   - id: a
        4 |     persona: p
      > 5 |     retries: -1
          |              ^^
        6 |     timeout: 5
        7 |

      1 problem in test.yml
      "
    `);
  });

  it('keeps the carets under a place behind tabs and at the ends of the file', () => {
    expect(`\n${show('nam:\tw\nsteps: [{ id: a,\tpersona:\t7 }]')}\n`).toMatchInlineSnapshot(`
      "
      test.yml:1:1  unknown-key  unknown key "nam" in the workflow
      > 1 | nam:	w
          | ^^^
        2 | steps: [{ id: a,	persona:	7 }]
      hint: Did you mean "name"?

      test.yml:2:27  wrong-type  "persona" of step "a" must be a text, not the number 7
        1 | nam:	w
      > 2 | steps: [{ id: a,	persona:	7 }]
          |                 	        	^
      hint: Put it in quotes: persona: "7"

      2 problems in test.yml
      "
    `);
  });

  it('cuts long lines around the place', () => {
    const shown = show(
      `name: w\nsteps: [${Array.from({ length: 400 }, (_, index) => `{ id: s${String(index)}, persona: p }`).join(', ')}, { id: a, persona: p, oops: 1 }]\n`,
    );
    const framed = shown.split('\n').filter((line) => !line.startsWith('hint:'));
    expect(Math.max(...framed.map((line) => line.length))).toBeLessThan(120);
    const [source = '', carets = ''] = shown.split('\n').slice(2, 4);
    expect(source.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe('oops');
  });

  it('has colors only when asked', () => {
    expect(show('name: w\n')).not.toContain('\u001B');
    expect(show('name: w\n', true)).toContain('\u001B[31mmissing-key\u001B[39m');
  });

  it('ends with the number of problems, and shows fifty of them', () => {
    const many = `name: w\nsteps: [{ id: a, persona: p }]\n${Array.from({ length: 70 }, (_, index) => `x${String(index)}: 1`).join('\n')}\n`;
    expect(show(many)).toMatch(/\n\n70 problems in test\.yml, of which the first 50 are shown$/);
    expect(show(many).match(/unknown-key/g)).toHaveLength(50);
    expect(show('name: w\n')).toMatch(/\n\n1 problem in test\.yml$/);
  });
});
