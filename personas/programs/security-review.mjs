/**
 * Reviews the added lines of a run's change for what must not get in unseen: secrets, code built from text,
 * switched-off TLS, plain http, new dependencies and install scripts. Never repeats a secret that it found.
 */
import { isCode, isTest, readDiff } from './diff.mjs';
import { newDependencies, newScripts } from './manifest.mjs';
import { answer, count, progress, workspaceOf } from './persona.mjs';
import { reviewReply, scanAdded } from './review.mjs';

const anywhere = () => true;
const inProduct = (path) => !isTest(path);
const secret = (rule, pattern, what) => ({
  rule,
  severity: 'critical',
  where: anywhere,
  pattern,
  message: `${what} is in the change: take it out and revoke it`,
  more: { category: 'secret' },
});
const code = (rule, severity, pattern, message) => ({
  rule,
  severity,
  where: isCode,
  pattern,
  message,
  more: { category: 'injection' },
});
const transport = (rule, severity, pattern, message) => ({
  rule,
  severity,
  where: anywhere,
  pattern,
  message,
  more: { category: 'transport' },
});

const LINE_RULES = [
  secret('aws-key', /\b(AKIA|ASIA)[0-9A-Z]{16}\b/, 'an AWS access key'),
  secret('private-key', /-----BEGIN ([A-Z]+ )*PRIVATE KEY( BLOCK)?-----/, 'a private key'),
  secret('github-token', /\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{50,})/, 'a GitHub token'),
  secret('npm-token', /\bnpm_[A-Za-z0-9]{36}\b|:_authToken=[^$\s]/, 'an npm token'),
  secret(
    'service-token',
    /\b(xox[abprs]-[\w-]{10,}|sk_live_\w{16,}|AIza[\w-]{35}|sk-[\w-]{32,})/,
    'a token of a service',
  ),
  {
    rule: 'hard-coded-secret',
    severity: 'high',
    where: inProduct,
    // A quoted literal of 8 and more characters with a digit in it; `${…}`, `<…>` and the like are places to fill in.
    pattern:
      /(password|passwd|secret|api_?key|auth_?token|access_?token)["']?\s*[:=]\s*(["'])(?=[^"'`]*\d)(?![^"']*(\$\{|<|example|changeme|placeholder|xxx))[^"'\s]{8,}\2/i,
    message: 'a literal is used as a secret: read it from the environment instead',
    more: { category: 'secret' },
  },
  code('eval', 'high', /^(?!\s*(\/\/|\*|#)).*(?<![.\w])(eval\s*\(|new Function\s*\()/, 'code is built from text'),
  code(
    'shell-command',
    'high',
    /(?<![.\w])((child_process|cp)\.)?exec(Sync)?\(\s*(`[^`]*\$\{|["'][^"']*["']\s*\+|\w+\s*\+)|\bos\.system\(\s*(f["']|.*\+)/,
    'a shell command is put together from values: pass an argument list instead',
  ),
  code(
    'shell-option',
    'medium',
    /^(?!\s*(\/\/|\*|#)).*\bshell\s*[:=]\s*(true|True)\b/,
    'a process is started through a shell',
  ),
  transport(
    'tls-off',
    'high',
    /rejectUnauthorized["']?\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED["'\])]*\s*[:=]\s*["']?0|\bverify\s*=\s*False\b|InsecureSkipVerify:\s*true|strict-ssl\s*=\s*false/,
    'TLS certificates are not checked',
  ),
  transport(
    'plain-http',
    'low',
    /\bhttp:\/\/(?!(localhost|127\.|0\.0\.0\.0|\[::1\]|www\.w3\.org|([\w-]+\.)*example\.(com|org|net)))[\w[]/,
    'an address without TLS',
  ),
];

await answer((request) => {
  const { base, commit } = workspaceOf(request);
  progress(`reading the diff ${base.slice(0, 8)}...${commit.slice(0, 8)}`);
  const diff = readDiff({ base, commit });
  progress(`scanning ${count(diff.insertions, 'added line')}`);
  const findings = diff.files.flatMap((file) => [...scanAdded(file, LINE_RULES), ...reviewName(file)]);
  const dependencies = [];
  for (const file of diff.files.filter(({ path, status }) => /(^|\/)package\.json$/.test(path) && status !== 'D')) {
    const range = { base, commit, path: file.path, oldPath: file.oldPath };
    const at = { file: file.path, line: null };
    for (const dependency of newDependencies(range)) {
      dependencies.push({ file: file.path, ...dependency });
      findings.push({
        severity: dependency.registry ? 'low' : 'medium',
        ...at,
        rule: 'new-dependency',
        message: `${dependency.name} ${dependency.version} is new in ${dependency.kind}`,
        category: 'dependency',
      });
    }
    for (const script of newScripts(range)) {
      const message = `the script "${script.name}" runs by itself on ${script.on}`;
      findings.push({
        severity: script.onInstall ? 'high' : 'medium',
        ...at,
        rule: 'install-script',
        message,
        category: 'dependency',
      });
    }
  }
  return reviewReply({ diff, findings, more: { dependencies } });
});

/** Findings that a file's name gives. */
function reviewName({ path, status }) {
  if (
    status === 'D' ||
    !/(^|\/)(\.env(\.(?!example|sample|template)\w+)?|id_(rsa|dsa|ecdsa|ed25519)|[^/]+\.(p12|pfx|keystore))$/.test(path)
  )
    return [];
  return [
    {
      severity: 'high',
      file: path,
      line: null,
      rule: 'secret-file',
      message: 'a file that usually holds secrets is in the change',
      category: 'secret',
    },
  ];
}
