/** Properties hold in every order of events, or the shortest order in which they do not is found. */
import { describe, expect, it } from 'vitest';
import type { PlayedChoices } from '../../src/testing/choices.js';
import { explore } from '../../src/testing/explorer.js';
import { report } from './workflow-tests.js';

const MERGE = `
name: loop
steps:
  - { id: code-review, persona: reviewer }
  - { id: security-review, persona: reviewer }
  - { id: merge, persona: engineer, dependencies: [code-review, security-review] }
`;
/** Merges whatever the security review says. */
const CARELESS = MERGE.replace('[code-review, security-review]', '[code-review]');

const PROPERTY = `properties:
  - name: never merges without a passed security review
    replies: { code-review: { any: [pass, fail, error] }, security-review: { any: [pass, fail] } }
    never: "steps.merge.status === 'pass' && steps['security-review'].status !== 'pass'"
`;

describe('a property', () => {
  it('that holds is tried in all orders', async () => {
    const { tests } = await report(PROPERTY, { workflow: MERGE });
    expect(tests).toMatchObject([{ kind: 'property', ok: true, interleavings: { all: true }, choices: [] }]);
    expect(tests[0]?.interleavings?.checked).toBeGreaterThan(6);
  });

  it('that does not hold is shown with the choices that break it', async () => {
    const [result] = (await report(PROPERTY, { workflow: CARELESS })).tests;
    expect(result).toMatchObject({ ok: false, differences: [{ what: 'property' }] });
    expect(result?.differences[0]?.expected).toContain("steps.merge.status === 'pass'");
    expect(result?.choices.length).toBeGreaterThan(0);
    expect(result?.facts.length).toBeGreaterThan(0);
  });

  it('finds a run that never ends', async () => {
    const text = 'properties:\n  - { name: ends, replies: { merge: { any: [pass, hang] } } }\n';
    const [result] = (await report(text, { workflow: MERGE })).tests;
    expect(result?.differences[0]).toMatchObject({ expected: 'the run ends' });
    expect(result?.choices.at(-1)).toBe('merge answers hang');
  });

  it('looks at the end with finally, and at every moment with always', async () => {
    const at = async (clause: string): Promise<boolean | undefined> =>
      (await report(`properties:\n  - { name: x, ${clause} }\n`, { workflow: MERGE })).tests[0]?.ok;
    expect(await at(`finally: "steps.merge.status === 'pass'"`)).toBe(true);
    expect(await at(`always: "steps.merge.status === 'pass'"`)).toBe(false);
    expect(await at(`always: "run.status !== 'failed'"`)).toBe(true);
    expect(await at(`finally: "run.status === 'failed'"`)).toBe(false);
  });

  it('that cannot be evaluated does not hold', async () => {
    const text = 'properties:\n  - { name: x, never: "steps.merge.result.score > 3" }\n';
    const [result] = (await report(text, { workflow: MERGE })).tests;
    expect(result?.differences[0]?.expected).toContain('it cannot be evaluated');
  });

  it('also sees timers that run out before a reply', async () => {
    const workflow = 'name: loop\nsteps: [{ id: work, persona: p, timeout: 5m }]';
    const text = `properties:\n  - { name: always in time, finally: "steps.work.status === 'pass'" }\n`;
    const [result] = (await report(text, { workflow })).tests;
    expect(result).toMatchObject({ ok: false, choices: ['time passes'] });
  });
});

describe('exploring', () => {
  const threeBits = async (choices: PlayedChoices): Promise<string> =>
    [0, 1, 2].map(() => String(choices.pick(['0', '1']))).join('');

  it('tries every order once, and says that there are no others', async () => {
    const seen: string[] = [];
    const play = async (choices: PlayedChoices): Promise<null> => {
      seen.push(await threeBits(choices));
      return null;
    };
    expect(await explore({ play, limit: 100, seed: 1 })).toEqual({ checked: 8, all: true, found: null });
    expect(seen).toEqual(['000', '001', '010', '011', '100', '101', '110', '111']);
  });

  it('stops at its limit, of which half is drawn: the same for the same seed', async () => {
    const play = async (seen: string[], choices: PlayedChoices): Promise<null> => {
      seen.push(Array.from({ length: 30 }, () => String(choices.pick(['0', '1']))).join(''));
      return null;
    };
    const orders = async (seed: number): Promise<readonly string[]> => {
      const seen: string[] = [];
      expect(await explore({ play: (choices) => play(seen, choices), limit: 10, seed })).toEqual({
        checked: 10,
        all: false,
        found: null,
      });
      return seen;
    };
    expect(await orders(7)).toEqual(await orders(7));
    expect(new Set([...(await orders(7)), ...(await orders(8))]).size).toBe(15);
  });

  it('leaves out of what it found the choices that do not matter', async () => {
    const play = async (choices: PlayedChoices): Promise<string | null> => {
      const picked = Array.from({ length: 20 }, (_, place) => choices.pick([`${String(place)}a`, `${String(place)}b`]));
      return picked[2] === 1 ? 'broken' : null;
    };
    const { found } = await explore({ play, limit: 40, seed: 1 });
    expect(found).toEqual({ violation: 'broken', choices: ['0a', '1a', '2b'] });
  });
});
