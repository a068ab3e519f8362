/** What every kind of persona must do alike, whatever does the work: a case is given what to say, and sees the reply. */
import { expect } from 'vitest';
import { checkReply } from '../../src/personas/reply.js';
import type { PersonaKind, RawReply } from '../../src/personas/runner.js';
import { aContext, aRequest } from './requests.js';

/** What a persona does when it is asked. */
export type Act =
  | { readonly says: string }
  /** It never says anything. */
  | 'silent'
  /** It says more and more. */
  | 'endless';

export interface Subject {
  readonly name: string;
  /** Whether the act was begun, and how to ask for it. */
  readonly make: (act: Act) => Promise<{ readonly kind: PersonaKind; readonly begun: Promise<unknown> }>;
  /** A secret of its own, which what it says may echo; null for kinds that have none. */
  readonly secret: string | null;
}

export interface KindCase {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
  readonly applies?: (subject: Subject) => boolean;
}

async function said(subject: Subject, act: Act): Promise<RawReply> {
  const { kind } = await subject.make(act);
  const reply = await kind.run(aRequest(), aContext());
  const { artifacts, endpoint: _, ...rest } = reply;
  // Whatever it is, it is a reply by the rules, but for the classes that only the worker gives.
  if (rest.error?.class !== 'INVALID_REPLY') expect(checkReply(JSON.parse(JSON.stringify(rest))).problems).toEqual([]);
  expect(artifacts.every(({ content }) => content.length <= 16 * 1024 * 1024)).toBe(true);
  return reply;
}

async function isInvalid(subject: Subject, says: string): Promise<void> {
  const reply = await said(subject, { says });
  expect(reply).toMatchObject({ status: 'error', error: { class: 'INVALID_REPLY' } });
  expect(reply.error?.message).toContain('expected');
}

const SAYS = (reply: object): Act => ({ says: JSON.stringify(reply) });

/** Longer than any kind takes to end, shorter than anybody waits, ms. */
const BOUND_MS = 8_000;

export const kindsContract: readonly KindCase[] = [
  {
    name: 'a pass is one, with its result and its artifacts',
    run: async (subject) => {
      const artifacts = [{ name: 'plan.md', content: '# Plän' }];
      const reply = await said(subject, SAYS({ status: 'pass', result: { n: 1 }, artifacts }));
      expect(reply).toMatchObject({ status: 'pass', result: { n: 1 }, error: null });
      const plan = reply.artifacts.find(({ name }) => name === 'plan.md');
      expect([plan?.type, Buffer.from(plan?.content ?? []).toString()]).toEqual(['text/markdown', '# Plän']);
    },
  },
  {
    name: 'a verdict of no is a fail with its reason, and no error',
    run: async (subject) => {
      const reply = await said(subject, SAYS({ status: 'fail', error: '2 tests fail', result: { failed: 2 } }));
      expect(reply).toMatchObject({ status: 'fail', result: { failed: 2 } });
      expect(reply.error).toEqual({ class: 'REJECTED', message: '2 tests fail' });
    },
  },
  {
    name: 'an error is none of both',
    run: async (subject) => {
      const reply = await said(subject, SAYS({ status: 'error', error: 'no login' }));
      expect(reply).toMatchObject({ status: 'error', error: { class: 'PERSONA_ERROR', message: 'no login' } });
    },
  },
  {
    name: 'a question is asked',
    run: async (subject) => {
      const reply = await said(subject, SAYS({ status: 'needs_input', questions: [{ id: 'a', ask: 'Which?' }] }));
      expect(reply).toMatchObject({ status: 'needs_input', questions: [{ id: 'a', ask: 'Which?' }], error: null });
    },
  },
  ...[
    ['nothing', ''],
    ['words', 'All done!'],
    ['half of a reply', '{"status":"pass","result":'],
    ['a reply with words behind it', '{"status":"pass"} Done.'],
    ['a status that there is not', '{"status":"success"}'],
    ['a pass with an error', '{"status":"pass","error":"no"}'],
    ['a key that there is not', '{"status":"pass","results":1}'],
    ['a list', '[{"status":"pass"}]'],
    ['a file that is not its own', '{"status":"pass","artifacts":[{"name":"a","path":"/etc/passwd"}]}'],
    ['a name that leads elsewhere', '{"status":"pass","artifacts":[{"name":"../a","content":"x"}]}'],
    ['a hidden prototype', '{"status":"pass","result":{"__proto__":{"a":1}}}'],
    ['something nested without end', `{"status":"pass","result":${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  ].map(
    ([what = '', says = '']): KindCase => ({
      name: `${what} is never a pass, and says what was expected`,
      run: (subject) => isInvalid(subject, says),
    }),
  ),
  {
    name: 'one that says nothing ends soon after it is aborted, without a verdict',
    run: async (subject) => {
      const { kind, begun } = await subject.make('silent');
      const context = aContext();
      const replying = kind.run(aRequest(), context);
      await begun;
      const at = performance.now();
      context.abort();
      expect((await replying).status).toBe('error');
      expect(performance.now() - at).toBeLessThan(BOUND_MS);
    },
  },
  {
    name: 'one that is aborted before it begins ends as soon',
    run: async (subject) => {
      const { kind } = await subject.make('silent');
      const context = aContext();
      context.abort();
      const at = performance.now();
      expect((await kind.run(aRequest(), context)).status).toBe('error');
      expect(performance.now() - at).toBeLessThan(BOUND_MS);
    },
  },
  {
    name: 'one that never stops talking is stopped, and is no pass',
    run: async (subject) => {
      const reply = await said(subject, 'endless');
      expect(reply.status).toBe('error');
      expect(reply.error?.message).toMatch(/\d{6,} (?:bytes|characters)|larger than/);
    },
  },
  {
    name: 'a secret of its own is in nothing that it says',
    applies: ({ secret }) => secret !== null,
    run: async (subject) => {
      const secret = subject.secret ?? '';
      for (const act of [
        SAYS({ status: 'pass', result: { [secret]: [`<${secret}>`] }, artifacts: [{ name: 'a', content: secret }] }),
        SAYS({ status: 'fail', error: `because ${secret}` }),
        SAYS({ status: 'error', error: secret }),
        { says: `my secret is ${secret}` },
        { says: `{"status":"${secret}"}` },
      ]) {
        const { artifacts, ...reply } = await said(subject, act);
        const text = artifacts.map(({ name, content }) => name + Buffer.from(content).toString()).join('');
        expect(text + JSON.stringify(reply)).not.toContain(secret);
      }
    },
  },
];
