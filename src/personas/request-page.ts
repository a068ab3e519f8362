/** A request as a page to read, for whoever understands words: models and coding agents. */
import type { Handover, InputAnswer, PersonaRequest, StepOutcome } from '../core/exchange.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';

/** Characters of one value; what is longer is cut, and says so. */
const VALUE_LIMIT = 16 * 1024;

/** Its parts, one below the other. */
export function requestPage(request: PersonaRequest): readonly string[] {
  const { name, step, workflow, attempt, params, task, results, omitted, answers, handover } = request;
  return [
    `# ${name}\n\nStep "${step}" of the workflow "${workflow}"${attempt > 1 ? `, attempt ${String(attempt)}` : ''}.`,
    ...section('What to do', membersOf(params)),
    ...section('The task of the whole run', membersOf(task)),
    ...section('What the steps before came to', Object.entries(results).flatMap(outcomeOf)),
    ...(omitted.length === 0 ? [] : [`Left out for their size: ${omitted.join(', ')}.`]),
    ...section('What people have answered', (answers ?? []).map(answerOf)),
    ...section('What was tried on this step before', (handover ?? []).map(triedOf)),
  ];
}

function section(title: string, parts: readonly string[]): readonly string[] {
  return parts.length === 0 ? [] : [`## ${title}`, ...parts];
}

/** Texts stand as they are, everything else as JSON. */
function membersOf(object: JsonObject): readonly string[] {
  return Object.entries(object).map(([key, value]) => `**${key}**: ${shown(value)}`);
}

function shown(value: JsonValue): string {
  if (typeof value !== 'string') {
    const text = JSON.stringify(value);
    return text.length <= 80
      ? `\`${text.replaceAll('`', "'")}\``
      : `\n\n${fenced(cut(JSON.stringify(value, null, 1)), 'json')}`;
  }
  return value.includes('\n') || value.length > 200 ? `\n\n${fenced(cut(value), '')}` : value;
}

function outcomeOf([step, { status, result, artifacts }]: readonly [string, StepOutcome]): readonly string[] {
  return [`### ${step}: ${status}`, ...contentOf(result), ...namesOf(artifacts)];
}

function contentOf(result: JsonValue): readonly string[] {
  if (result === null) return [];
  return isJsonObject(result) ? membersOf(result) : [shown(result)];
}

function namesOf(artifacts: StepOutcome['artifacts']): readonly string[] {
  if (artifacts.length === 0) return [];
  return [
    `Artifacts: ${artifacts.map(({ name, type, size }) => `${name} (${type}, ${String(size)} bytes)`).join(', ')}.`,
  ];
}

function answerOf({ ask, answer }: InputAnswer): string {
  return `**${ask}** ${answer === null ? 'Nobody has answered; go on without it.' : shown(answer)}`;
}

function triedOf({ persona, attempt, error, result, artifacts }: Handover): string {
  const end = error === null ? 'has asked people' : `ended with ${error.class}: ${shown(error.message)}`;
  return [`### Attempt ${String(attempt)}, by ${persona}, ${end}`, ...contentOf(result), ...namesOf(artifacts)].join(
    '\n\n',
  );
}

/** A block that its own content cannot end. */
export function fenced(text: string, language: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

function cut(text: string): string {
  return text.length > VALUE_LIMIT ? `${text.slice(0, VALUE_LIMIT)}… (cut)` : text;
}
