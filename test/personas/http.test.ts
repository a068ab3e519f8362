import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../../src/core/clock.js';
import type { Clock } from '../../src/core/clock.js';
import { HttpRunner } from '../../src/personas/http.js';
import { parsePersonaFile } from '../../src/personas/persona-file.js';
import { type Call, type Handler, answers, HttpService, silence } from '../harness/http-service.js';
import { aContext, aRequest } from './requests.js';

const SECRET = `whsec_${Buffer.from('a secret of the team').toString('base64')}`;
const open: HttpService[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((service) => service.close()));
});

async function serve(...handlers: readonly Handler[]): Promise<HttpService> {
  const service = await new HttpService(...handlers).open();
  open.push(service);
  return service;
}

function runnerOf(keys: readonly string[], clock: Clock = systemClock): HttpRunner {
  const { persona, problems } = parsePersonaFile(['---', 'kind: http', ...keys, '---', ''].join('\n'), '/team/far.md');
  if (persona?.kind !== 'http') throw new Error(JSON.stringify(problems));
  return new HttpRunner(persona, { clock, env: { FAR_SECRET: SECRET, FAR_ENDPOINT: 'ftp://x', EMPTY: ' ' } });
}

const far = ({ url }: HttpService, clock?: Clock): HttpRunner =>
  runnerOf([`endpoint: ${url}/work`, 'secret_env: FAR_SECRET'], clock);
const PASS = { status: 'pass', result: 1, artifacts: [{ name: 'a.md', content: '# A' }] };
const later = (location: string, more: Record<string, string> = {}): Handler =>
  answers(202, { progress: 'half done' }, { location, ...more });

/** As Standard Webhooks say that it is checked. */
function signatureOf({ headers, body }: Call): string {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return `v1,${createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64'))
    .update(signed)
    .digest('base64')}`;
}

describe('an http persona', () => {
  it('posts the request, signed, with the same id for the same attempt, and takes the reply', async () => {
    const service = await serve(answers(200, PASS));
    const context = aContext({ token: 'fix[2]/qa.1.abc' });
    for (let time = 0; time < 2; time++) {
      const reply = await far(service).run(aRequest(), context);
      expect(reply).toMatchObject({ status: 'pass', result: 1, endpoint: 'ok' });
      expect(Buffer.from(reply.artifacts[0]?.content ?? []).toString()).toBe('# A');
    }
    const [first, second] = service.calls;
    expect(first).toMatchObject({ method: 'POST', path: '/work', body: JSON.stringify(aRequest()) });
    if (first === undefined) throw new Error('nothing came');
    expect(first.headers['webhook-signature']).toBe(signatureOf(first));
    expect(first.headers['webhook-id']).toBe(second?.headers['webhook-id']);
  });

  it('asks where it was told to until the reply is there, as often as it was told to', async () => {
    const slept: number[] = [];
    const clock: Clock = {
      ...systemClock,
      sleep: (ms) => {
        slept.push(ms);
        return Promise.resolve();
      },
    };
    const service = await serve(
      later('/jobs/7', { 'retry-after': '20' }),
      answers(202, {}),
      answers(503, 'busy'),
      answers(200, { status: 'fail', error: 'no' }),
    );
    const context = aContext();
    const reply = await far(service, clock).run(aRequest(), context);
    expect(reply).toMatchObject({ status: 'fail', error: { class: 'REJECTED', message: 'no' } });
    expect(slept).toEqual([20_000, 1_000, 1_000]);
    expect(context.lines).toEqual(['half done', 'the service works on it']);
    expect(service.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /work',
      'GET /jobs/7',
      'GET /jobs/7',
      'GET /jobs/7',
    ]);
    const look = service.calls[1];
    expect(look?.headers['webhook-signature']).toBe(look === undefined ? '' : signatureOf(look));
  });

  it('tells the service when nobody waits any more, and ends at once', async () => {
    const service = await serve(later('/jobs/7', { 'retry-after': '60' }), answers(204, ''));
    const context = aContext();
    const replying = far(service).run(aRequest(), context);
    await context.said('half done');
    context.abort();
    expect(await replying).toMatchObject({ status: 'error', error: { message: 'the attempt was aborted' } });
    expect(service.calls[1]).toMatchObject({ method: 'DELETE', path: '/jobs/7' });
  });

  it('ends when it is aborted while the service says nothing, and its goodbye waits for no answer', async () => {
    const service = await serve(silence);
    const context = aContext();
    const replying = far(service).run(aRequest(), context);
    const call = await service.call(1);
    context.abort();
    expect(await replying).toMatchObject({ error: { message: 'the attempt was aborted' } });
    await call.gone;
    const clock = new ManualClock();
    const mute = await serve(later('/jobs/7'), silence);
    const other = aContext();
    const ending = far(mute, clock).run(aRequest(), other);
    await other.said('half done');
    other.abort();
    await mute.call(2);
    clock.advance(2_000);
    expect((await ending).error?.message).toBe('the attempt was aborted');
  });

  it('asks only the origin that it posted to, and follows nothing', async () => {
    for (const location of ['http://127.0.0.1:1/jobs', '//elsewhere.example/jobs', 'file:///etc/passwd']) {
      const service = await serve(later(location));
      const reply = await far(service).run(aRequest(), aContext());
      expect(reply.error).toMatchObject({ class: 'INVALID_REPLY' });
      expect(reply.error?.message).toContain('only its own origin is asked');
      expect(service.calls).toHaveLength(1);
    }
    const nowhere = await far(await serve(answers(202, ''))).run(aRequest(), aContext());
    expect(nowhere.error?.message).toContain('without a "Location"');
    const redirected = await serve(answers(302, '', { location: '/other' }));
    const reply = await far(redirected).run(aRequest(), aContext());
    expect(reply.error?.message).toContain('is not followed');
    expect(redirected.calls).toHaveLength(1);
  });

  it('fails when the service cannot be asked 5 times in a row', async () => {
    const service = await serve(
      later('/jobs/7', { 'retry-after-ms': '1' }),
      answers(500, 'gone', { 'retry-after-ms': '1' }),
    );
    const clock: Clock = { ...systemClock, sleep: () => Promise.resolve() };
    const reply = await far(service, clock).run(aRequest(), aContext());
    expect(reply).toMatchObject({ error: { class: 'PERSONA_ERROR' }, endpoint: 'failed' });
    expect(service.calls).toHaveLength(6);
  });

  it.each([
    [401, 'x', 'PERSONA_ERROR', 'is FAR_SECRET in the environment of the worker', 'ok'],
    [429, 'x', 'RATE_LIMIT', 'too many requests', 'failed'],
    [402, 'x', 'QUOTA', 'no credit', 'failed'],
    [500, { error: 'down' }, 'PERSONA_ERROR', 'has failed (500): down', 'failed'],
    [404, 'x', 'PERSONA_ERROR', 'has answered 404', 'ok'],
    [200, 'x', 'INVALID_REPLY', 'it is not JSON', 'ok'],
    [200, { status: 'ok' }, 'INVALID_REPLY', 'status "ok"', 'ok'],
    [200, { status: 'pass', artifacts: [{ name: 'a', path: '/etc/passwd' }] }, 'INVALID_REPLY', 'no folder', 'ok'],
    [200, ' '.repeat(33 * 1024 * 1024), 'INVALID_REPLY', 'more than 33554432 bytes', 'ok'],
  ])('names what an answer %s means', async (status, body, errorClass, text, endpoint) => {
    const reply = await far(await serve(answers(status, body))).run(aRequest(), aContext());
    expect(reply).toMatchObject({ status: 'error', error: { class: errorClass }, endpoint });
    expect(reply.error?.message).toContain(text);
  });

  it('shows its secret to nobody', async () => {
    for (const handler of [
      answers(500, `no ${SECRET}`),
      answers(200, `no ${SECRET}`),
      answers(200, { status: 'pass', result: SECRET, artifacts: [{ name: 'a', content: SECRET }] }),
    ]) {
      const reply = await far(await serve(handler)).run(aRequest(), aContext());
      const [artifact] = reply.artifacts;
      expect(JSON.stringify(reply) + Buffer.from(artifact?.content ?? []).toString()).not.toContain(SECRET);
    }
  });

  it('says which variable holds nothing that it can use', async () => {
    const cases = [
      [['endpoint_env: NOT_THERE'], 'NOT_THERE is not set'],
      [['endpoint_env: FAR_ENDPOINT'], 'what FAR_ENDPOINT holds must begin with https://'],
      [['endpoint: http://127.0.0.1:1', 'secret_env: EMPTY'], 'EMPTY is not set'],
    ] as const;
    for (const [keys, text] of cases) {
      const reply = await runnerOf(keys).run(aRequest(), aContext());
      expect(reply.error?.message).toContain(text);
      expect((await runnerOf(keys).check()).map(({ level }) => level)).toContain('error');
    }
    expect(await runnerOf(['endpoint: https://x/y?key=abc', 'secret_env: FAR_SECRET']).check()).toEqual([
      { level: 'ok', subject: 'endpoint', message: 'https://x/y', cure: null },
    ]);
  });

  it.each([
    [[], 'needs exactly one of the keys'],
    [['endpoint: https://x', 'endpoint_env: X'], 'needs exactly one of the keys'],
    [['endpoint: https://user:pw@x'], 'must not hold a user or a password'],
    [['endpoint: nowhere'], 'is not an address'],
    [['endpoint: "https://x#y"'], 'must not hold a "#"'],
    [['endpoint: https://x', 'secret_env: whsec_abcdef'], 'takes the name of an environment variable'],
    [['endpoint: https://x', 'provider: openai'], 'key "provider" has no meaning for kind "http"'],
  ])('refuses a file with %j', (keys, text) => {
    const { problems } = parsePersonaFile(['---', 'kind: http', ...keys, '---', ''].join('\n'), '/team/far.md');
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining(text)]);
    expect(JSON.stringify(problems)).not.toMatch(/user:pw|whsec_/);
  });
});
