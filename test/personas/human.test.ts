import { describe, expect, it } from 'vitest';
import type { InputAnswer, PersonaRequest } from '../../src/core/exchange.js';
import { checkReply } from '../../src/personas/reply.js';
import { HumanRunner } from '../../src/personas/human.js';
import { parsePersonaFile } from '../../src/personas/persona-file.js';
import type { RawReply } from '../../src/personas/runner.js';
import { aRequest } from './requests.js';

async function ask(keys: readonly string[], request: Partial<PersonaRequest> = {}, body = ''): Promise<RawReply> {
  const text = ['---', 'kind: human', ...keys, '---', body].join('\n');
  const { persona, problems } = parsePersonaFile(text, '/team/lead.md');
  if (persona?.kind !== 'human') throw new Error(JSON.stringify(problems));
  const reply = await new HumanRunner(persona).run(aRequest(request));
  const { artifacts: _, ...said } = reply;
  expect(checkReply(JSON.parse(JSON.stringify(said))).problems).toEqual([]);
  return reply;
}

function answer(id: string, given: InputAnswer['answer']): InputAnswer {
  return { id, ask: '?', answer: given };
}

function problemsOf(...keys: readonly string[]): readonly string[] {
  const text = ['---', 'kind: human', ...keys, '---', ''].join('\n');
  return parsePersonaFile(text, '/team/lead.md').problems.map(({ message }) => message);
}

describe('a human persona', () => {
  it('asks what its file says, below the text of the file', async () => {
    expect(await ask([], {}, 'Look at the plan.')).toMatchObject({
      status: 'needs_input',
      prompt: 'Look at the plan.',
      questions: [{ id: 'answer', ask: 'What is your answer?', type: 'text' }],
    });
    const bare = await ask([], { name: 'Which way?' });
    expect(bare.questions).toEqual([{ id: 'answer', ask: 'Which way?', type: 'text' }]);
    expect(bare).not.toHaveProperty('prompt');
    const listed = await ask(['ask: ["branch: Which branch?", "why: And why: tell us"]']);
    expect(listed.questions).toEqual([
      { id: 'branch', ask: 'Which branch?', type: 'text' },
      { id: 'why', ask: 'And why: tell us', type: 'text' },
    ]);
  });

  it("asks the step's own questions instead, when they can be asked", async () => {
    const questions = [{ id: 'size', ask: 'How large?', type: 'choice', options: ['s', 'l'] }];
    const reply = await ask(['ask: ["x: y"]'], { params: { questions, prompt: 'About the shop.' } }, 'Hello.');
    expect(reply).toMatchObject({ questions, prompt: 'Hello.\n\nAbout the shop.' });
    const bad = await ask([], { params: { questions: [{ id: 'size', ask: 'How large?', type: 'choice' }] } });
    expect(bad).toMatchObject({ status: 'error', error: { class: 'PERSONA_ERROR' } });
    expect(bad.error?.message).toContain('[0].options is needed for a choice');
  });

  it('hands on what people have answered, and that they have not', async () => {
    const reply = await ask([], { answers: [answer('a', 1), answer('b', null), answer('a', 2)] });
    expect(reply).toMatchObject({ status: 'pass', result: { answers: { a: 2, b: null } } });
  });

  it('passes with a verdict only when somebody has said so', async () => {
    const keys = ['verdict: true', 'ask: ["more: Anything else?"]'];
    const asked = await ask(keys);
    expect(asked.questions?.map(({ id, type }) => [id, type])).toEqual([
      ['more', 'text'],
      ['verdict', 'choice'],
      ['reason', 'text'],
    ]);
    expect(await ask(keys, { answers: [answer('verdict', 'pass')] })).toMatchObject({ status: 'pass' });
    const said = [answer('verdict', 'fail'), answer('reason', 'no test')];
    expect(await ask(keys, { answers: said })).toMatchObject({
      status: 'fail',
      error: { class: 'REJECTED', message: 'no test' },
      result: { answers: { verdict: 'fail', reason: 'no test' } },
    });
    for (const none of [null, 'yes', true])
      expect(await ask(keys, { answers: [answer('verdict', none)] })).toMatchObject({
        status: 'fail',
        error: { message: 'nobody has given a verdict' },
      });
    const twice = await ask(['verdict: true'], { params: { questions: [{ id: 'verdict', ask: 'Really?' }] } });
    expect(twice.error?.message).toContain('hold "verdict"');
  });

  it('refuses keys that do not say what they should', () => {
    expect(problemsOf('ask: ["which branch"]')).toEqual([
      'ask: "which branch" must be "id: question", such as "branch: Which branch?"',
    ]);
    expect(problemsOf('ask: ["a: b", "a: c"]')).toEqual([expect.stringContaining('is there twice')]);
    expect(problemsOf('verdict: true', 'ask: ["reason: b"]')).toEqual([expect.stringContaining('take another id')]);
    expect(problemsOf('verdict: maybe')).toEqual(['verdict must be true or false']);
    expect(problemsOf('command: [x]')).toEqual(['key "command" has no meaning for kind "human"']);
  });
});
