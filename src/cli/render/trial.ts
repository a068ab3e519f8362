/** What a persona has answered in a trial, as a person reads it. */
import type { Usage } from '../../core/exchange.js';
import type { TrialReply } from '../persona-desk.js';
import { duration } from './duration.js';
import type { Palette } from './paint.js';
import { oneLine, readable } from './printable.js';
import { usedWords } from './used-words.js';

export function trialWords(reply: TrialReply, colors: Palette): string {
  const { status, result, error, artifacts, questions = [], usage, tookMs } = reply;
  const paint = status === 'pass' ? colors.good : status === 'needs_input' ? colors.warning : colors.bad;
  const used = usage === undefined ? '' : `, ${usageWords(usage)}`;
  return [
    `${paint(status)} after ${duration(tookMs)}${used}`,
    ...(error === null ? [] : [`${error.class}: ${readable(error.message)}`]),
    ...questions.map(({ id, ask }) => `asks ${oneLine(id)}: ${oneLine(ask)}`),
    ...(result === null ? [] : [readable(typeof result === 'string' ? result : JSON.stringify(result, null, 2))]),
    ...artifacts.map(
      ({ name, type, content }) => `artifact ${oneLine(name)} (${oneLine(type)}, ${String(content.length)} bytes)`,
    ),
  ].join('\n');
}

function usageWords({ model, inputTokens = 0, outputTokens = 0, costUsd = 0, turns = 0, denied = 0 }: Usage): string {
  return [
    ...(model === undefined ? [] : [oneLine(model)]),
    usedWords({ tokens: inputTokens + outputTokens, costUsd, turns }),
    ...(denied === 0 ? [] : [`${String(denied)} tool calls denied`]),
  ].join(', ');
}
