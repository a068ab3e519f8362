/**
 * How a review is answered: findings sorted by severity, the counts of the diff, and a verdict.
 * A finding of severity `critical` or `high` makes the review fail.
 */
import { count } from './persona.mjs';

const SEVERITIES = ['critical', 'high', 'medium', 'low'];
const BLOCKING = new Set(['critical', 'high']);
/** Most findings and files that a result names; the counts are always of all of them. */
const LIMIT = 200;

/** `diff` is of `readDiff`; a finding is `{ severity, file, line, rule, message }`; `more` is added to the result. */
export function reviewReply({ diff, findings, more = {} }) {
  const sorted = findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  const blocking = sorted.filter((finding) => BLOCKING.has(finding.severity));
  const counts = SEVERITIES.map((severity) => [severity, sorted.filter((found) => found.severity === severity).length])
    .filter(([, number]) => number > 0)
    .map(([severity, number]) => `${number} ${severity}`);
  const summary =
    `${count(diff.files.length, 'file')}, +${diff.insertions} -${diff.deletions}: ` +
    (counts.length === 0 ? 'no findings' : `${count(sorted.length, 'finding')} (${counts.join(', ')})`);
  const result = {
    summary,
    findings: sorted.slice(0, LIMIT),
    findingCount: sorted.length,
    files: diff.files.slice(0, LIMIT).map((file) => ({
      path: file.path,
      status: file.status,
      insertions: file.added.length,
      deletions: file.removed.length,
    })),
    fileCount: diff.files.length,
    insertions: diff.insertions,
    deletions: diff.deletions,
    ...more,
  };
  if (blocking.length === 0) return { status: 'pass', result };
  const first = blocking[0];
  const place = first.file === null ? '' : ` ${first.file}${first.line === null ? '' : `:${first.line}`}`;
  return {
    status: 'fail',
    result,
    error: `${count(blocking.length, 'blocking finding')}; the first: ${first.severity}${place}: ${first.message}`,
  };
}

/** Findings of line rules `{ rule, severity, pattern, message, where(path), more? }` over the added lines of a file. */
export function scanAdded(file, rules) {
  const own = rules.filter((rule) => rule.where(file.path));
  return file.added.flatMap(({ line, text }) =>
    own
      .filter((rule) => rule.pattern.test(text))
      .map(({ rule, severity, message, more }) => ({ severity, file: file.path, line, rule, message, ...more })),
  );
}
