import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functionPersona } from '../../src/personas/catalog.js';
import { FunctionRunner } from '../../src/personas/function.js';
import type { FunctionPersona } from '../../src/personas/persona.js';
import type { PersonaFunction, RawReply } from '../../src/personas/runner.js';
import { aContext, aFolder, aRequest } from './requests.js';

async function call(run: PersonaFunction, context = aContext()): Promise<RawReply> {
  return await new FunctionRunner(functionPersona({ name: 'qa', run })).run(aRequest(), context);
}

function imported(code: string, name: string): FunctionPersona {
  const module = join(aFolder(), 'persona.mjs');
  writeFileSync(module, code);
  return { ...functionPersona({ name: 'qa', run: () => null }), run: { module, export: name } };
}

describe('a function persona', () => {
  it('gets request and context', async () => {
    const context = aContext();
    const reply = await call(async (request, { token, directory, progress }) => {
      progress('thinking');
      return {
        status: 'pass',
        result: { step: request.step, token, directory },
        artifacts: [{ name: 'a.txt', content: 'x' }],
      };
    }, context);
    expect(reply).toMatchObject({ status: 'pass', result: { step: 'build', token: context.token, directory: null } });
    expect(reply.artifacts[0]).toMatchObject({ name: 'a.txt', type: 'text/plain' });
    expect(context.lines).toEqual(['thinking']);
  });

  it('is imported from its module', async () => {
    const persona = imported(`export const plan = (r) => ({ status: 'fail', error: 'no ' + r.step })`, 'plan');
    expect(await new FunctionRunner(persona).run(aRequest(), aContext())).toMatchObject({
      status: 'fail',
      error: { class: 'REJECTED', message: 'no build' },
    });
  });

  it('says when the module has no such function', async () => {
    const reply = await new FunctionRunner(imported('export const other = 1', 'plan')).run(aRequest(), aContext());
    expect(reply.error?.message).toMatch(/^persona "qa" threw: .*persona\.mjs has no exported function "plan"$/);
  });

  it('that throws is an error', async () => {
    const reply = await call(() => {
      throw new Error('boom');
    });
    expect(reply.error).toEqual({ class: 'PERSONA_ERROR', message: 'persona "qa" threw: boom' });
  });

  it.each([
    ['nothing', undefined],
    ['true', true],
    ['NaN', { status: 'pass', result: { score: Number.NaN } }],
    ['a date', { status: 'pass', result: new Date(0) }],
    ['undefined inside', { status: 'pass', result: { a: [undefined] } }],
    ['a function inside', { status: 'pass', result: () => 1 }],
    ['a big integer', { status: 'pass', result: 1n }],
    ['a path without a folder', { status: 'pass', artifacts: [{ name: 'x', path: 'y' }] }],
  ])('that returns %s is no pass', async (_, value) => {
    const reply = await call(() => value);
    expect(reply).toMatchObject({ status: 'error', error: { class: 'INVALID_REPLY' } });
    expect(reply.error?.message.split('\n').slice(0, 2).join('\n')).toMatchSnapshot();
  });

  it('that returns itself in a circle is no pass', async () => {
    const circle: Record<string, unknown> = { status: 'pass' };
    circle['result'] = circle;
    expect((await call(() => circle)).error?.class).toBe('INVALID_REPLY');
  });

  it('is not waited for once aborted', async () => {
    const context = aContext();
    const running = call(() => new Promise(() => undefined), context);
    context.abort();
    expect((await running).error?.message).toBe('the attempt was aborted');
  });
});
