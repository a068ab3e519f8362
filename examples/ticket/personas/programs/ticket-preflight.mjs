/** What is wrong with a request before anybody works on it; with a repository, its code is looked at too. */
import { basename } from 'node:path';
import { answer, count, progress } from '../../../../personas/programs/persona.mjs';
import { isTest } from '../../../../personas/programs/diff.mjs';
import { isFolder, readFolder } from '../../app/code-index.mjs';
import { codeNamesOf, sentencesOf } from './request-text.mjs';

const ORDER = ['critical', 'high', 'medium', 'low'];
const DANGERS = [
  {
    code: 'data_loss',
    pattern:
      /\b(?:drop|truncate|wipe|purge|delete|erase)\s+(?:all|every|the)\b[^.\n]*\b(?:table|data|database|customers?|orders?|users?|records?)\b/i,
    what: 'data would be lost that nobody can bring back',
  },
  {
    code: 'protection_off',
    pattern:
      /\b(?:disable|remove|skip|bypass|turn off)\b[^.\n]*\b(?:auth\w*|login|permission\w*|encryption|tls|validation|checks?)\b/i,
    what: 'a protection would go',
  },
  {
    code: 'secret_in_request',
    pattern: /\b(?:password|token|api[ _-]?key|secret)\s*[:=]\s*\S{6,}/i,
    what: 'a secret stands in the request; it must be changed, and taken out',
  },
];

await answer(async ({ params: { title, description, repository, type } }) => {
  const text = `${title}\n${description}`;
  const files = repository === null ? null : filesOf(repository);
  const findings = [...dangersOf(text), ...wordingOf(text, description, type), ...codeOf(text, { repository, files })];
  const sorted = findings.toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  progress(`${count(sorted.length, 'finding')}, ${sorted.filter(isCritical).length} critical`);
  return {
    status: 'pass',
    result: {
      findings: sorted,
      critical: sorted.filter(isCritical).length,
      filesRead: files?.length ?? 0,
      source: 'analysis',
    },
  };
});

function isCritical({ severity }) {
  return severity === 'critical';
}

function filesOf(repository) {
  if (!isFolder(repository)) return [];
  progress(`reading ${repository}`);
  return readFolder(repository);
}

function dangersOf(text) {
  return DANGERS.flatMap(({ code, pattern, what }) => {
    const found = pattern.exec(text)?.[0];
    // A secret is named by what it is, never repeated.
    const evidence = code === 'secret_in_request' ? null : found;
    return found === undefined ? [] : [{ code, severity: 'critical', message: `As it is written, ${what}.`, evidence }];
  });
}

function wordingOf(text, description, type) {
  const findings = [];
  if (sentencesOf(description).length === 0 && description.trim() === '')
    findings.push({
      code: 'no_description',
      severity: 'medium',
      message: 'The request is a title and nothing else.',
      question: { ask: 'What is this about, in two or three sentences?', type: 'text' },
    });
  const vague = text.match(
    /\b(?:asap|better|easy|fast|faster|many|nice|quick|quickly|several|soon|user[- ]friendly)\b/i,
  )?.[0];
  if (vague !== undefined && !/\d/.test(text))
    findings.push({
      code: 'not_measurable',
      severity: 'medium',
      message: `"${vague}" cannot be checked: no number says how much.`,
      evidence: vague,
      question: { ask: `What does "${vague}" mean here, as a number?`, type: 'text' },
    });
  if (type === 'feature' && !/\b(?:role|user|admin|customer|anybody|everybody|everyone)s?\b/i.test(text))
    findings.push({
      code: 'who',
      severity: 'medium',
      message: 'The request does not say for whom it is.',
      question: {
        ask: 'Who is it for?',
        type: 'choice',
        options: ['everybody', 'customers', 'staff'],
        default: 'everybody',
      },
    });
  return findings;
}

function codeOf(text, { repository, files }) {
  if (repository === null)
    return [{ code: 'no_repository', severity: 'low', message: 'No repository was given: no code was looked at.' }];
  if (files.length === 0)
    return [
      {
        code: 'repository_missing',
        severity: 'critical',
        message: `There are no files in ${repository}.`,
        evidence: repository,
      },
    ];
  return codeNamesOf(text).flatMap((name) => {
    const places = files.filter(
      (file) => file.path === name || file.path.endsWith(`/${name}`) || file.text.includes(name.replace(/\(\)$/, '')),
    );
    if (places.length === 0)
      return [
        {
          code: `not_there_${name.replaceAll(/\W+/g, '_').slice(0, 40)}`,
          severity: 'critical',
          message: `The request speaks of ${name}, and nothing in the repository does.`,
          evidence: name,
        },
      ];
    if (places.some((file) => isTest(file.path))) return [];
    return [
      {
        code: `untested_${basename(name).replaceAll(/\W+/g, '_').slice(0, 40)}`,
        severity: 'medium',
        message: `No test speaks of ${name}.`,
        evidence: places[0].path,
        question: { ask: `Is a test of ${name} part of this?`, type: 'yes_no', default: true },
      },
    ];
  });
}
