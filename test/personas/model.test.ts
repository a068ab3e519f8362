import { afterEach, describe, expect, it } from 'vitest';
import type { PersonaRequest } from '../../src/core/exchange.js';
import type { RawReply } from '../../src/personas/runner.js';
import { type Handler, answers, HttpService, silence, streams } from '../harness/http-service.js';
import { aModel, anthropicSays, KEY, openaiSays, runnerOf } from './models.js';
import { aContext, aRequest, type TestContext } from './requests.js';

const open: HttpService[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((service) => service.close()));
});

async function serve(...handlers: readonly Handler[]): Promise<HttpService> {
  const service = await new HttpService(...handlers).open();
  open.push(service);
  return service;
}

async function ask(
  service: HttpService,
  want: {
    keys?: string;
    provider?: 'anthropic' | 'openai';
    request?: Partial<PersonaRequest>;
    context?: TestContext;
  } = {},
): Promise<RawReply> {
  const runner = runnerOf(aModel(service.url, want.keys, want.provider));
  return await runner.run(aRequest(want.request), want.context ?? aContext());
}

const sentTo = (service: HttpService, call = 0): Record<string, unknown> =>
  JSON.parse(service.calls[call]?.body ?? '') as Record<string, unknown>;

const PASS = '{"status":"pass","result":{"steps":2},"artifacts":[{"name":"plan.md","content":"# Plän"}]}';
const SCHEMA = { type: 'object', properties: { steps: { type: 'integer' } }, required: ['steps'] };

describe('a model persona of provider openai', () => {
  it('is asked with its role and the request, streams its answer, and tells what it has used', async () => {
    const service = await serve(openaiSays(PASS));
    const context = aContext();
    const reply = await ask(service, {
      keys: 'price_input: 2\nprice_output: 10',
      request: { output: SCHEMA, params: { goal: 'a shop' } },
      context,
    });
    expect(reply).toMatchObject({
      status: 'pass',
      result: { steps: 2 },
      error: null,
      endpoint: 'ok',
      usage: { model: 'm-1-0101', inputTokens: 10, outputTokens: 5, costUsd: 0.00007, turns: 1 },
    });
    expect(reply.artifacts.map(({ name, type, content }) => [name, type, Buffer.from(content).toString()])).toEqual([
      ['plan.md', 'text/markdown', '# Plän'],
    ]);
    const [call] = service.calls;
    expect(call).toMatchObject({ method: 'POST', path: '/v1/chat/completions' });
    expect(call?.headers['authorization']).toBe(`Bearer ${KEY}`);
    const sent = sentTo(service);
    expect(sent).toMatchObject({
      model: 'm-1',
      stream: true,
      max_tokens: 8192,
      response_format: { type: 'json_schema', json_schema: { schema: { properties: { result: SCHEMA } } } },
    });
    const [system, user] = sent['messages'] as { role: string; content: string }[];
    expect(system?.content).toMatch(/^You plan\.\n[^]*"status"[^]*JSON Schema of "result"[^]*"steps"/);
    expect(user?.content).toContain('**goal**: a shop');
    expect(context.lines[0]).toBe('asking m-1');
    expect(context.lines.at(-1)).toBe(`answering, ${String(PASS.length)} characters`);
  });

  it("has its role's result checked where the step does not say what it looks like", async () => {
    const service = await serve(openaiSays('{"status":"pass","result":{}}'), openaiSays(PASS));
    const role = { name: 'r', description: '', aliases: [], changes: false, output: SCHEMA, prompt: '' };
    const reply = await runnerOf({ ...aModel(service.url), role }).run(aRequest(), aContext());
    expect(reply).toMatchObject({ status: 'pass', usage: { turns: 2 } });
    expect(service.calls[0]?.body).toContain('JSON Schema of');
  });

  it('shows the model once what is wrong, and takes what is put right', async () => {
    const service = await serve(openaiSays('Sure! {"status":"pass"}'), openaiSays(PASS));
    const reply = await ask(service, { request: { output: SCHEMA } });
    expect(reply).toMatchObject({ status: 'pass', usage: { inputTokens: 20, outputTokens: 10, turns: 2 } });
    const { messages } = sentTo(service, 1) as { messages: { role: string; content: string }[] };
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(messages[2]?.content).toBe('Sure! {"status":"pass"}');
    expect(messages[3]?.content).toContain('does not begin with "{"');
  });

  it.each([
    ['is no JSON', 'I did it.', 'does not begin with "{"'],
    ['is empty', '', 'the answer is empty'],
    ['has no status', '{"result":{"steps":1}}', '"status" is missing'],
    ['does not fit the schema', '{"status":"pass","result":{"steps":"two"}}', 'result.steps'],
    [
      'names a file',
      '{"status":"pass","result":{"steps":1},"artifacts":[{"name":"a","path":"a"}]}',
      'you have no files',
    ],
    ['claims what it has used', '{"status":"pass","result":{"steps":1},"usage":{"costUsd":0}}', '"usage" is not yours'],
    [
      'claims a quota',
      '{"status":"error","error":{"class":"QUOTA","message":"later"}}',
      'error.class "QUOTA" is not yours',
    ],
    ['is nested without end', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'nested'],
    ['is nested without end inside', `{"status":"pass","result":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'nested'],
  ])('asks exactly once more when the answer %s, then it is an invalid reply', async (_name, text, why) => {
    const service = await serve(openaiSays(text));
    const reply = await ask(service, { request: { output: SCHEMA } });
    expect(reply).toMatchObject({ status: 'error', error: { class: 'INVALID_REPLY' }, usage: { turns: 2 } });
    expect(reply.error?.message).toContain(why);
    expect(service.calls).toHaveLength(2);
  });

  it('takes thoughts and a fence around the JSON, and an answer that was not streamed', async () => {
    const fenced = await serve(openaiSays(`<think>{"status":"fail"}</think>\n\`\`\`json\n${PASS}\n\`\`\`\n`));
    expect(await ask(fenced)).toMatchObject({ status: 'pass' });
    const whole = await serve(
      answers(200, { model: 'x', choices: [{ message: { content: PASS }, finish_reason: 'stop' }] }),
    );
    const reply = await ask(whole);
    expect(reply).toMatchObject({ status: 'pass', usage: { model: 'x', turns: 1 } });
    expect(reply.usage).not.toHaveProperty('inputTokens');
  });

  it.each([[-1], [Number.NaN], ['12'], [1e12], [1.5], [null]])(
    'leaves out a count of tokens that cannot be: %s',
    async (count) => {
      const service = await serve(openaiSays(PASS, { prompt_tokens: count, completion_tokens: 5 }));
      const reply = await ask(service, { keys: 'price_input: 1\nprice_output: 1' });
      expect(reply.usage).toEqual({ model: 'm-1-0101', outputTokens: 5, turns: 1 });
    },
  );

  it('has fewer tokens for its answer where the ceiling leaves fewer, and one answer where it says so', async () => {
    const service = await serve(openaiSays('no'));
    await ask(service, { request: { ceiling: { tokens: 5_000, turns: 1 } } });
    expect(service.calls).toHaveLength(1);
    expect(sentTo(service)['max_tokens']).toBeLessThan(5_000);
    expect(sentTo(service)['max_tokens']).toBeGreaterThan(3_000);
    const dear = await serve(openaiSays(PASS));
    await ask(dear, { keys: 'price_input: 1\nprice_output: 1000', request: { ceiling: { costUsd: 1 } } });
    expect(sentTo(dear)['max_tokens']).toBeLessThan(1_000);
    const none = await ask(service, { request: { ceiling: { tokens: 10 } } });
    expect(none.error?.message).toContain('ceiling');
    expect(service.calls).toHaveLength(1);
  });

  it.each([
    [
      '429 with a time',
      429,
      { error: { message: 'slow down' } },
      { 'retry-after': '7' },
      'RATE_LIMIT',
      'slow down',
      7_000,
    ],
    [
      '429 with a reset',
      429,
      {},
      {
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '1m0.5s',
        'x-ratelimit-remaining-requests': '9',
        'x-ratelimit-reset-requests': '2h',
      },
      'RATE_LIMIT',
      'too many',
      60_500,
    ],
    ['429 without a time', 429, {}, {}, 'RATE_LIMIT', 'too many', undefined],
    [
      'no quota',
      429,
      { error: { code: 'insufficient_quota', message: 'pay' } },
      {},
      'QUOTA',
      'no credit left: pay',
      undefined,
    ],
    ['no payment', 402, {}, {}, 'QUOTA', 'no credit', undefined],
    [
      '401',
      401,
      { error: { message: `bad key ${KEY}` } },
      {},
      'PERSONA_ERROR',
      'set TEST_KEY in the environment',
      undefined,
    ],
    ['403', 403, '<html>', {}, 'PERSONA_ERROR', 'set TEST_KEY', undefined],
    ['404', 404, { error: { message: 'no model' } }, {}, 'PERSONA_ERROR', 'does not know the model "m-1"', undefined],
    [
      'context',
      400,
      { error: { code: 'context_length_exceeded', message: 'x' } },
      {},
      'PERSONA_ERROR',
      'too long for the model',
      undefined,
    ],
    [
      'no schemas',
      400,
      { error: "'response_format.type' must be 'text'" },
      {},
      'PERSONA_ERROR',
      'format: text',
      undefined,
    ],
    [
      'a filter',
      400,
      { error: { code: 'content_filter', message: 'bad' } },
      {},
      'PERSONA_ERROR',
      'content filter',
      undefined,
    ],
    ['500', 503, 'busy', {}, 'PERSONA_ERROR', 'has failed (503): busy', undefined],
    [
      'a redirect',
      307,
      '',
      { location: 'http://127.0.0.1:1/x?y' },
      'PERSONA_ERROR',
      'leads on to http://127.0.0.1:1/x, which is not followed',
      undefined,
    ],
  ])(
    'names what an answer of the endpoint means: %s',
    async (_name, status, body, headers, errorClass, text, resumeInMs) => {
      const service = await serve(answers(status, body, headers));
      const reply = await ask(service);
      expect(reply).toMatchObject({ status: 'error', error: { class: errorClass } });
      expect(reply.error?.message).toContain(text);
      expect(reply.resumeInMs).toBe(resumeInMs);
      const failed = status === 429 || status >= 500 || status === 402;
      expect(reply.endpoint).toBe(failed ? 'failed' : 'ok');
      expect(service.calls).toHaveLength(1);
      expect(JSON.stringify(reply)).not.toContain(KEY);
    },
  );

  it('says that an answer was cut off, whether the connection breaks or just ends', async () => {
    for (const then of ['break', 'end'] as const) {
      const reply = await ask(await serve(streams([{ choices: [{ delta: { content: '{"status":"pass"}' } }] }], then)));
      expect(reply).toMatchObject({ status: 'error', error: { class: 'PERSONA_ERROR' }, endpoint: 'failed' });
      expect(reply.error?.message).toContain('cut off in the middle, after 17 characters');
    }
  });

  it('does not take an answer that ran into max_tokens, was refused, or broke with an error inside', async () => {
    const ending = (finish_reason: string): Handler =>
      streams([{ choices: [{ delta: { content: '{"sta' }, finish_reason }] }, '[DONE]']);
    const cut = await ask(await serve(ending('length')), { keys: 'max_tokens: 9' });
    expect(cut.error).toMatchObject({
      class: 'INVALID_REPLY',
      message: expect.stringContaining('after 9 tokens') as unknown,
    });
    const refused = await ask(await serve(ending('content_filter')));
    expect(refused.error).toMatchObject({
      class: 'PERSONA_ERROR',
      message: expect.stringContaining('refused') as unknown,
    });
    const broken = await ask(await serve(streams([{ error: { message: 'boom', type: 'server_error' } }])));
    expect(broken).toMatchObject({ error: { class: 'PERSONA_ERROR' }, endpoint: 'failed' });
  });

  it('says that nobody answers there', async () => {
    const service = await serve(silence);
    const { url } = service;
    await service.close();
    const reply = await runnerOf(aModel(url)).run(aRequest(), aContext());
    expect(reply).toMatchObject({ error: { class: 'PERSONA_ERROR' }, endpoint: 'failed' });
    expect(reply.error?.message).toMatch(/refuses connections.*ECONNREFUSED/);
    const lost = await runnerOf(aModel('http://nowhere.invalid')).run(aRequest(), aContext());
    expect(lost.error?.message).toContain('its name has no address');
  });

  it('ends soon after it is aborted, before the answer and in the middle of it, and lets go of the connection', async () => {
    for (const handler of [silence, streams([{ choices: [{ delta: { content: '{' } }] }], 'stay')]) {
      const service = await serve(handler);
      const context = aContext();
      const replying = ask(service, { context });
      const call = await service.call(1);
      if (handler !== silence) await context.said('answering');
      context.abort();
      const reply = await replying;
      expect(reply).toMatchObject({ status: 'error', error: { message: 'the attempt was aborted' } });
      expect(reply.endpoint).toBeUndefined();
      await call.gone;
    }
  });

  it('holds no more than its limits of an answer without end', async () => {
    const endless: Handler = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(60_000) } }] })}\n\n`;
      const more = (): void => {
        while (!response.destroyed && response.write(event));
      };
      response.on('drain', more);
      more();
    };
    const service = await serve(endless);
    const reply = await ask(service);
    expect(reply.error?.message).toMatch(/more than 4194304 characters/);
    await service.calls[0]?.gone;
    const oneLine = await ask(await serve((response) => response.writeHead(200).end(`data: ${'x'.repeat(2_000_000)}`)));
    expect(oneLine.error?.message).toMatch(/an event of more than 1048576/);
  });

  it('shows its key to nobody, even when the endpoint echoes it', async () => {
    const echo = `{"status":"pass","result":{"${KEY}":["${KEY}"]},"artifacts":[{"name":"a","content":"<${KEY}>"}]}`;
    const context = aContext();
    const reply = await ask(await serve(openaiSays(echo)), { context });
    expect(reply).toMatchObject({ status: 'pass', result: { '[redacted]': ['[redacted]'] } });
    expect(Buffer.from(reply.artifacts[0]?.content ?? []).toString()).toBe('<[redacted]>');
    const wrong = await ask(await serve(openaiSays(`my key is ${KEY}`)), { context });
    expect(wrong.error?.class).toBe('INVALID_REPLY');
    for (const seen of [reply, wrong, context.lines]) expect(JSON.stringify(seen)).not.toContain(KEY);
  });

  it('says which variable holds no key', async () => {
    const service = await serve(openaiSays(PASS));
    const persona = { ...aModel(service.url), keyVariable: 'NO_SUCH_KEY' };
    const reply = await runnerOf(persona).run(aRequest(), aContext());
    expect(reply.error?.message).toContain('NO_SUCH_KEY is not set');
    expect(service.calls).toHaveLength(0);
    const keyless = await runnerOf({ ...persona, keyVariable: null }).run(aRequest(), aContext());
    expect(keyless.status).toBe('pass');
    expect(service.calls[0]?.headers).not.toHaveProperty('authorization');
  });
});

describe('the check of a model persona', () => {
  it('says whether the endpoint lets it in, without asking the model anything', async () => {
    const service = await serve(answers(200, {}));
    const { signal } = new AbortController();
    const persona = aModel(service.url);
    expect(await runnerOf(persona).check(signal)).toMatchObject([{ level: 'ok' }]);
    expect(service.calls[0]).toMatchObject({ method: 'GET', path: '/v1/models' });
    service.handlers = [answers(401, KEY)];
    const [closed] = await runnerOf(persona).check(signal);
    expect(closed).toMatchObject({ level: 'error', cure: 'set TEST_KEY to a key that is valid' });
    const [unset] = await runnerOf({ ...persona, keyVariable: 'NO_SUCH_KEY' }).check(signal);
    expect(unset).toMatchObject({ level: 'error', subject: 'NO_SUCH_KEY' });
    await service.close();
    expect(await runnerOf(persona).check(signal)).toMatchObject([
      { level: 'error', message: expect.stringMatching(/refuses connections|cut the connection/) as unknown },
    ]);
  });
});

describe('a model persona of provider anthropic', () => {
  it('gives its answer as the input of the one tool it has', async () => {
    const service = await serve(anthropicSays(PASS));
    const reply = await ask(service, { provider: 'anthropic', keys: 'temperature: 0', request: { output: SCHEMA } });
    expect(reply).toMatchObject({
      status: 'pass',
      usage: { model: 'c-1', inputTokens: 10, outputTokens: 9, turns: 1 },
    });
    expect(service.calls[0]).toMatchObject({ path: '/v1/messages', headers: { 'x-api-key': KEY } });
    expect(sentTo(service)).toMatchObject({
      temperature: 0,
      max_tokens: 8192,
      tool_choice: { type: 'tool', name: 'reply' },
    });
  });

  it('is told apart when it refuses, is overloaded, or has no credit', async () => {
    const refused = await ask(await serve(anthropicSays('', 'refusal')), { provider: 'anthropic' });
    expect(refused.error?.message).toContain('refused');
    const overloaded = streams([{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }]);
    const busy = await ask(await serve(overloaded), { provider: 'anthropic' });
    expect(busy).toMatchObject({ error: { class: 'PERSONA_ERROR' }, endpoint: 'failed' });
    const body = { type: 'error', error: { type: 'invalid_request_error', message: 'Your credit balance is too low' } };
    const poor = await ask(await serve(answers(400, body)), { provider: 'anthropic' });
    expect(poor.error?.class).toBe('QUOTA');
    const at = new Date(Date.now() + 60_000).toISOString();
    const limited = answers(
      429,
      { error: { type: 'rate_limit_error' } },
      { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': at },
    );
    const later = await ask(await serve(limited), { provider: 'anthropic' });
    expect(later.error?.class).toBe('RATE_LIMIT');
    expect(later.resumeInMs).toBeGreaterThan(40_000);
    expect(later.resumeInMs).toBeLessThanOrEqual(60_000);
  });
});
