import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { CommandRunner } from '../../src/personas/command.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { FunctionRunner } from '../../src/personas/function.js';
import { HttpRunner } from '../../src/personas/http.js';
import type { HttpPersona } from '../../src/personas/persona.js';
import { type Handler, HttpService, silence, streams } from '../harness/http-service.js';
import { type Act, kindsContract, type Subject } from './kinds.contract.js';
import { aModel, anthropicSays, KEY, openaiSays, runnerOf } from './models.js';
import { aCommand, script } from './requests.js';

const open: HttpService[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((service) => service.close()));
});

async function serve(handler: Handler): Promise<HttpService> {
  const service = await new HttpService(handler).open();
  open.push(service);
  return service;
}

/** Writes the same again and again for as long as somebody reads it. */
const floods =
  (type: string, piece: string): Handler =>
  (response) => {
    response.writeHead(200, { 'content-type': type });
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', more);
    more();
  };

const command: Subject = {
  name: 'command',
  secret: null,
  make: async (act) => {
    const write =
      act === 'silent'
        ? 'setInterval(() => {}, 1e6);'
        : act === 'endless'
          ? 'const more = () => { while (process.stdout.write("x".repeat(65536))); }; process.stdout.on("drain", more); more();'
          : `process.stdout.write(${JSON.stringify(act.says)});`;
    const runner = new CommandRunner(aCommand(script(`process.stdin.resume(); ${write}`)), {
      clock: systemClock,
      limits: { graceMs: 200 },
    });
    return { kind: runner, begun: Promise.resolve() };
  },
};

const functions: Subject = {
  name: 'function',
  secret: null,
  make: async (act) => {
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const run = (): unknown => {
      begin();
      if (act === 'silent') return new Promise(() => undefined);
      if (act === 'endless')
        return { status: 'pass', artifacts: [{ name: 'a', content: 'x'.repeat(17 * 1024 * 1024) }] };
      try {
        return JSON.parse(act.says);
      } catch {
        return act.says;
      }
    };
    return { kind: new FunctionRunner(functionPersona({ name: 'builder', run })), begun };
  },
};

const http: Subject = {
  name: 'http',
  secret: KEY,
  make: async (act) => {
    const handlerOf = (): Handler => {
      if (act === 'silent') return silence;
      if (act === 'endless') return floods('application/json', ' '.repeat(65_536));
      return (response) => response.writeHead(200).end(act.says);
    };
    const service = await serve(handlerOf());
    const plain = { name: 'far', description: '', prompt: '', file: null, tools: [], model: null, concurrency: 1 };
    const persona: HttpPersona = { ...plain, kind: 'http', endpoint: { url: service.url }, secretVariable: 'S' };
    return { kind: new HttpRunner(persona, { clock: systemClock, env: { S: KEY } }), begun: service.call(1) };
  },
};

function model(provider: 'anthropic' | 'openai', says: (text: string) => Handler, piece: object): Subject {
  const handlerOf = (act: Act): Handler => {
    if (act === 'silent') return streams([], 'stay');
    if (act === 'endless') return floods('text/event-stream', `data: ${JSON.stringify(piece)}\n\n`);
    return says(act.says);
  };
  return {
    name: `model (${provider})`,
    secret: KEY,
    make: async (act) => {
      const service = await serve(handlerOf(act));
      return { kind: runnerOf(aModel(service.url, '', provider)), begun: service.call(1) };
    },
  };
}

const LONG = 'x'.repeat(60_000);
const SUBJECTS = [
  command,
  functions,
  http,
  model('openai', openaiSays, { choices: [{ delta: { content: LONG } }] }),
  model('anthropic', anthropicSays, { type: 'content_block_delta', delta: { type: 'text_delta', text: LONG } }),
];

describe.each(SUBJECTS)('a persona of kind $name', (subject) => {
  const cases = kindsContract.filter(({ applies }) => applies?.(subject) !== false);
  it.each(cases)('$name', { timeout: 30_000 }, async ({ run }) => {
    expect.hasAssertions();
    await run(subject);
  });
});
