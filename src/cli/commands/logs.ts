/** `coord logs`: what the personas of a run report, attempt by attempt, and what they leave as logs. */
import type { LogEntry } from '../../coordinator/client-logs.js';
import type { ArtifactRef } from '../../core/exchange.js';
import type { Session } from '../application.js';
import { type Call, type Invoke, print, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { checkStep, concerns } from '../fact-filter.js';
import { FactTeller } from '../render/fact-line.js';
import { oneLine, readable } from '../render/printable.js';
import { shellWord } from '../render/shell-word.js';

export function addLogs(program: Program, invoke: Invoke): void {
  program
    .command('logs')
    .description('what the personas of a run report, and the logs they leave')
    .argument('<run>', 'id of the run')
    .option('-f, --follow', 'go on with what they report from now on, until the run has ended')
    .option('--step <step>', 'only of this step, or of what it holds')
    .option('--json', 'print one JSON document per line: facts as `coord history` gives them')
    .action((run, flags, command) => invoke(command, (call) => logs(call, run, flags)));
}

interface Flags {
  readonly follow?: true | undefined;
  readonly step?: string | undefined;
  readonly json?: true | undefined;
}

async function logs(call: Call, run: string, { follow, step, json }: Flags): Promise<number> {
  const stop = new AbortController();
  const release = call.io.onInterrupt(() => stop.abort());
  try {
    return await withSession(call, 'find', async ({ client, observer }) => {
      if (step !== undefined) checkStep(await client.get(run), step);
      const teller = new FactTeller();
      for await (const entry of observer.logs(run, { live: follow === true, until: stop.signal })) {
        const { fact, artifacts } = entry;
        if (step !== undefined && !concerns(fact, step)) continue;
        if (json === true) print(call, JSON.stringify({ ...fact, artifacts }));
        else await tell(call, { entry, teller, observer });
      }
      return stop.signal.aborted ? EXIT.interrupted : EXIT.ok;
    });
  } finally {
    release();
  }
}

async function tell(
  call: Call,
  { entry, teller, observer }: { entry: LogEntry; teller: FactTeller; observer: Session['observer'] },
): Promise<void> {
  const { fact, artifacts } = entry;
  const line = teller.line(fact);
  if (line !== null) print(call, line);
  if (!('attempt' in fact)) return;
  for (const artifact of artifacts.filter(isLog)) {
    const lines = await linesOf(observer, fact.run, artifact);
    const shown = lines.slice(-LINES);
    const head = `${oneLine(fact.step)}/${oneLine(artifact.name)}`;
    const cut = shown.length === lines.length ? '' : ` the last ${String(LINES)} of ${String(lines.length)} lines`;
    // What an attempt left that was tried again is no artifact of the run.
    const all = cut === '' || fact.type === 'step.retrying' ? '' : `; all of them: ${wayTo(fact, artifact)}`;
    print(call, call.colors.dim(`  ${head}:${cut}${all}`));
    for (const one of shown) print(call, `  | ${one}`);
  }
}

/** Of one log. */
const LINES = 100;

/** What a program printed, and what calls itself a log. */
function isLog({ name, type }: ArtifactRef): boolean {
  return type.startsWith('text/') && /\.(?:log|out|err)$/.test(name);
}

async function linesOf(observer: Session['observer'], run: string, artifact: ArtifactRef): Promise<readonly string[]> {
  const bytes = await observer.content(run, artifact);
  return bytes === null ? ['(gone)'] : readable(new TextDecoder().decode(bytes)).trimEnd().split('\n');
}

function wayTo({ run, step }: { readonly run: string; readonly step: string }, { name }: ArtifactRef): string {
  return `coord artifacts ${shellWord(run)} ${shellWord(`${step}/${name}`)}`;
}
