/**
 * The rules for what a persona answers. A value either follows all of them or is an INVALID_REPLY that says what was
 * received and what was expected: a pass is only ever made of an explicit "pass".
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { askedListSchema, whyNotAsked } from '../core/asked.js';
import {
  type AttemptError,
  type PersonaReply,
  REPLY_STATUSES,
  RESUME_LIMIT_MS,
  usageSchema,
} from '../core/exchange.js';
import { ERROR_CLASSES, type ErrorClass } from '../core/statuses.js';
import { didYouMean } from '../core/suggest.js';
import { abbreviate } from './plain-text.js';

/** An artifact as the persona declares it: its text, or a file to read. */
export interface DeclaredArtifact {
  readonly name: string;
  readonly type: string | null;
  readonly source: { readonly content: string } | { readonly path: string };
}

export interface DeclaredReply extends Omit<PersonaReply, 'artifacts' | 'commit'> {
  readonly artifacts: readonly DeclaredArtifact[];
}

export type CheckedReply =
  | { readonly reply: DeclaredReply; readonly problems: readonly [] }
  | { readonly reply: null; readonly problems: readonly string[] };

export const EXPECTED_REPLY =
  'one JSON object {"status": "pass" | "fail" | "error" | "needs_input", "result"?, "error"?, "artifacts"?: [{"name", "content" | "path", "type"?}], "questions"?: [{"id", "ask"}]}';
/** Most artifacts of one reply; one more is kept for the attempt's log. */
const ARTIFACTS_LIMIT = 199;

const KEYS = ['status', 'result', 'error', 'artifacts', 'questions', 'prompt', 'usage', 'session', 'resumeInMs'];
const ARTIFACT_KEYS = ['name', 'type', 'content', 'path'];
const DEPTH_LIMIT = 64;
const MESSAGE_LIMIT = 8_000;

/** Checks a value against the rules; `problems` are phrases for people, all of them at once. */
export function checkReply(value: unknown): CheckedReply {
  const bad = (...problems: string[]): CheckedReply => ({ reply: null, problems });
  const plain = plainProblem(value, 'the reply', 0);
  if (plain !== null) return bad(plain);
  if (!isJsonObject(value)) return bad(`it is ${kindOf(value)}, not an object`);
  const members = value;

  const problems = unknownKeys(members, { known: KEYS, place: '' });
  const status = REPLY_STATUSES.find((known) => known === members['status']);
  if (status === undefined) problems.push(statusProblem(members['status']));
  const artifacts = readArtifacts(members['artifacts'] ?? [], problems);
  const said = readError(members['error'] ?? null, problems);
  if (status !== undefined && said.class !== null && !CLASSES[status].includes(said.class))
    problems.push(classProblem(status, said.class));
  if ((status === 'pass' || status === 'needs_input') && said.message !== null)
    problems.push(`status is "${status}" but there is an "error"`);
  const asked = readAsked(members, { asks: status === 'needs_input', problems });
  const about = readAbout(members, { waits: said.class === 'QUOTA' || said.class === 'RATE_LIMIT', problems });
  if (status === undefined || problems.length > 0) return bad(...problems);

  const result = members['result'] ?? null;
  return {
    reply: { status, result, error: errorOf(status, { ...said, result }), artifacts, ...asked, ...about },
    problems: [],
  };
}

/** What people are asked, which goes with `needs_input` only. */
function readAsked(
  { questions, prompt }: JsonObject,
  { asks, problems }: { readonly asks: boolean; readonly problems: string[] },
): Pick<DeclaredReply, 'prompt' | 'questions'> {
  if (!asks) {
    for (const [key, value] of Object.entries({ questions, prompt }))
      if (value !== undefined) problems.push(`"${key}" goes with status "needs_input" only`);
    return {};
  }
  if (prompt !== undefined && typeof prompt !== 'string') problems.push('"prompt" must be a text');
  const why = questions === undefined ? 'are missing' : whyNotAsked(questions);
  if (why !== null || (Array.isArray(questions) && questions.length === 0))
    problems.push(`"questions": ${why ?? 'the list is empty'}; one is {"id", "ask", "type"?, "options"?, "default"?}`);
  if (problems.length > 0) return {};
  return {
    questions: askedListSchema.parse(questions),
    ...(typeof prompt === 'string' && { prompt: prompt.slice(0, MESSAGE_LIMIT) }),
  };
}

/** What the attempt has used, the conversation it stands in, and when another one makes sense. */
function readAbout(
  { usage, session, resumeInMs }: JsonObject,
  { waits, problems }: { readonly waits: boolean; readonly problems: string[] },
): Pick<DeclaredReply, 'usage' | 'session' | 'resumeInMs'> {
  const used = usageSchema.safeParse(usage ?? {});
  for (const issue of used.error?.issues.slice(0, 3) ?? [])
    problems.push(`"${['usage', ...issue.path].join('.')}": ${issue.message}`);
  if (session !== undefined && (typeof session !== 'string' || session === '' || session.length > 200))
    problems.push('"session" must be a text of at most 200 characters');
  const isTime = typeof resumeInMs === 'number' && Number.isInteger(resumeInMs) && resumeInMs > 0;
  if (resumeInMs !== undefined && (!isTime || resumeInMs > RESUME_LIMIT_MS))
    problems.push(`"resumeInMs" must be a whole number of ms from 1 to ${String(RESUME_LIMIT_MS)}`);
  if (resumeInMs !== undefined && !waits)
    problems.push('"resumeInMs" goes with an "error" of class RATE_LIMIT or QUOTA only');
  return {
    ...(usage !== undefined && used.data !== undefined && { usage: used.data }),
    ...(typeof session === 'string' && { session }),
    ...(isTime && { resumeInMs }),
  };
}

interface SaidError {
  readonly message: string | null;
  readonly class: ErrorClass | null;
}

/** What a persona may call its own failure; everything else is for those who watch it. */
const CLASSES: Readonly<Record<DeclaredReply['status'], readonly ErrorClass[]>> = {
  pass: [],
  needs_input: [],
  fail: ['REJECTED'],
  error: ['PERSONA_ERROR', 'RATE_LIMIT', 'QUOTA', 'TIMEOUT'],
};

function classProblem(status: DeclaredReply['status'], given: string): string {
  const allowed = CLASSES[status];
  const words = allowed.length === 0 ? 'there is none' : `it is one of ${allowed.join(', ')}`;
  return `error.class "${given}" does not go with status "${status}"; ${words}${didYouMean(given, allowed)}`;
}

function errorOf(
  status: DeclaredReply['status'],
  said: SaidError & { readonly result: JsonValue },
): AttemptError | null {
  if (status === 'pass' || status === 'needs_input') return null;
  const why = said.message ?? reasonIn(said.result) ?? 'the persona gave no reason';
  const message = why.length > MESSAGE_LIMIT ? `${why.slice(0, MESSAGE_LIMIT)}…` : why;
  return { class: said.class ?? (status === 'fail' ? 'REJECTED' : 'PERSONA_ERROR'), message };
}

function reasonIn(result: JsonValue): string | null {
  if (typeof result === 'string') return result.trim() === '' ? null : result;
  if (!isJsonObject(result)) return null;
  const found = [result['summary'], result['reason'], result['message']].find(
    (text) => typeof text === 'string' && text.trim() !== '',
  );
  return typeof found === 'string' ? found : null;
}

function statusProblem(status: JsonValue | undefined): string {
  const words = REPLY_STATUSES.map((verdict) => `"${verdict}"`).join(', ');
  if (status === undefined) return `"status" is missing; it is one of ${words}`;
  const hint = typeof status === 'string' ? didYouMean(status, REPLY_STATUSES) : '';
  return `status ${abbreviate(JSON.stringify(status), 80)} is not one of ${words}${hint === '' ? '' : `.${hint}`}`;
}

function readError(error: JsonValue, problems: string[]): SaidError {
  if (error === null) return { message: null, class: null };
  if (typeof error === 'string') return { message: error, class: null };
  if (isJsonObject(error) && typeof error['message'] === 'string') {
    problems.push(...unknownKeys(error, { known: ['class', 'message'], place: 'error.' }));
    const given = error['class'] ?? null;
    const known = ERROR_CLASSES.find((candidate) => candidate === given) ?? null;
    if (given !== null && known === null) problems.push(unknownClass(given));
    return { message: error['message'], class: known };
  }
  problems.push('"error" must be a text or {"message": text, "class"?}');
  return { message: null, class: null };
}

function unknownClass(given: JsonValue): string {
  const shown = abbreviate(JSON.stringify(given), 80);
  const hint = typeof given === 'string' ? didYouMean(given, CLASSES.error) : '';
  return `error.class ${shown} is not one of ${CLASSES.error.join(', ')}${hint === '' ? '' : `.${hint}`}`;
}

function readArtifacts(value: JsonValue, problems: string[]): readonly DeclaredArtifact[] {
  if (!Array.isArray(value)) {
    problems.push('"artifacts" must be a list');
    return [];
  }
  const items: readonly JsonValue[] = value;
  if (items.length > ARTIFACTS_LIMIT) {
    problems.push(`there are ${String(items.length)} artifacts; at most ${String(ARTIFACTS_LIMIT)} are allowed`);
    return [];
  }
  const names = new Set<string>();
  return items.flatMap((item, index) => {
    const artifact = readArtifact(item, { place: `artifacts[${String(index)}]`, problems });
    if (artifact === null) return [];
    if (names.has(artifact.name)) problems.push(`two artifacts are named "${abbreviate(artifact.name, 80)}"`);
    names.add(artifact.name);
    return [artifact];
  });
}

function readArtifact(
  item: JsonValue,
  report: { readonly place: string; readonly problems: string[] },
): DeclaredArtifact | null {
  const { place, problems } = report;
  if (!isJsonObject(item)) {
    problems.push(`${place} must be an object`);
    return null;
  }
  problems.push(...unknownKeys(item, { known: ARTIFACT_KEYS, place: `${place}.` }));
  const { name, type = null, content, path } = item;
  const nameIsGood = typeof name === 'string' && isArtifactName(name);
  if (!nameIsGood) problems.push(`${place}.name must be a relative name such as "plan.md", at most 200 characters`);
  const typeIsGood = type === null || (typeof type === 'string' && MEDIA_TYPE.test(type) && type.length <= 200);
  if (!typeIsGood) problems.push(`${place}.type must be a media type such as "text/markdown"`);
  const source = readSource(content, path);
  if (source === null) problems.push(`${place} needs exactly one of "content" and "path", a text`);
  return nameIsGood && typeIsGood && source !== null ? { name, type, source } : null;
}

function readSource(content: JsonValue | undefined, path: JsonValue | undefined): DeclaredArtifact['source'] | null {
  if (typeof content === 'string' && path === undefined) return { content };
  if (typeof path === 'string' && path !== '' && content === undefined) return { path };
  return null;
}

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:; ?[\w.+=-]+)*$/;

/** Names become file names when somebody fetches artifacts, so they must stay below a folder. */
function isArtifactName(name: string): boolean {
  if (name.length === 0 || name.length > 200 || /[\p{Cc}\p{Cf}\\]/u.test(name)) return false;
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** The media type of an artifact that does not name one. */
export function mediaTypeOf(name: string, fallback: string): string {
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const known: Readonly<Record<string, string>> = {
    md: 'text/markdown',
    txt: 'text/plain',
    log: 'text/plain',
    json: 'application/json',
    yaml: 'application/yaml',
    yml: 'application/yaml',
    diff: 'text/x-diff',
    patch: 'text/x-diff',
    html: 'text/html',
    csv: 'text/csv',
    png: 'image/png',
  };
  return Object.hasOwn(known, extension) ? (known[extension] ?? fallback) : fallback;
}

function unknownKeys(
  members: JsonObject,
  want: { readonly known: readonly string[]; readonly place: string },
): string[] {
  return Object.keys(members)
    .filter((key) => !want.known.includes(key))
    .map((key) => {
      const hint = didYouMean(key, want.known);
      return `key "${want.place}${abbreviate(key, 80)}" is unknown${hint === '' ? '' : `.${hint}`}`;
    });
}

/** Why a value is not plain JSON, or null. Catches what JSON.parse lets through and what functions may return. */
function plainProblem(value: unknown, place: string, depth: number): string | null {
  if (depth > DEPTH_LIMIT) return `it is nested more than ${String(DEPTH_LIMIT)} levels deep`;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${place} is not a finite number`;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const problem = plainProblem(item, `${place}[${String(index)}]`, depth + 1);
      if (problem !== null) return problem;
    }
    return null;
  }
  if (typeof value !== 'object') return `${place} is ${kindOf(value)}, which JSON cannot hold`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `${place} is not a plain object`;
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') return `${place} has a key "__proto__"`;
    const problem = plainProblem(member, place === 'the reply' ? key : `${place}.${key}`, depth + 1);
    if (problem !== null) return abbreviate(problem, 200);
  }
  return null;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return value === undefined ? 'nothing (undefined)' : `a ${typeof value}`;
}
