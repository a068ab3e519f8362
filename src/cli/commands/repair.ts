/** `coord repair`: why a run is set aside, what can be done about it, and doing it. Without a flag it only looks. */
import { type Diagnosis, letterName } from '../../coordinator/client-keep.js';
import { CoordError } from '../../core/errors.js';
import { type Call, type Invoke, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { person } from '../person.js';
import { oneLine } from '../render/printable.js';
import { keepMoving } from '../telling.js';

export function addRepair(program: Program, invoke: Invoke): void {
  program
    .command('repair')
    .description('why a run is set aside, and a way out of it')
    .argument('<run>', 'id of the run')
    .option('--release', 'take it back into service as it is, and send its dead letters again')
    .option('--rebuild', 'the same, with its records as its history gives them')
    .option('--fail <reason>', 'end it as failed; a run around it goes on')
    .option('--json', 'print JSON')
    .action((run, flags, command) => invoke(command, (call) => repair(call, { run, ...flags })));
}

interface Wanted {
  readonly run: string;
  readonly release?: true | undefined;
  readonly rebuild?: true | undefined;
  readonly fail?: string | undefined;
  readonly json?: true | undefined;
}

async function repair(call: Call, wanted: Wanted): Promise<number> {
  const { run, json } = wanted;
  const ways = [wanted.release, wanted.rebuild, wanted.fail].filter((way) => way !== undefined);
  if (ways.length > 1) throw new CoordError('USAGE', '--release, --rebuild and --fail cannot be used together');
  if (wanted.fail?.trim() === '') throw new CoordError('USAGE', '--fail needs a reason, for the history of the run');
  return withSession(call, 'find', async (session) => {
    if (ways.length === 0) {
      const diagnosis = await session.keeper.diagnose(run);
      if (json === true) printJson(call, withWays(diagnosis));
      else print(call, wordsOf(call, diagnosis));
      return diagnosis.quarantined === null ? EXIT.ok : EXIT.failed;
    }
    const { keeper } = session;
    const by = person(call.io);
    let done: { readonly action: string; readonly sent: number; readonly words: string };
    if (wanted.fail !== undefined) {
      await keeper.fail(run, { reason: wanted.fail, by });
      done = { action: 'failed', sent: 0, words: `Run ${run} is ended as failed: coord show ${run}` };
    } else {
      const isRebuilt = wanted.rebuild === true;
      const sent = await (isRebuilt ? keeper.rebuild(run, by) : keeper.release(run, by));
      const how = isRebuilt ? 'is rebuilt from its history and ' : 'is ';
      const again = sent === 0 ? '' : `, and ${String(sent)} message${sent === 1 ? ' is' : 's are'} sent to it again`;
      const words = `Run ${run} ${how}back in service${again}: coord watch ${run}`;
      done = { action: isRebuilt ? 'rebuilt' : 'released', sent, words };
    }
    if (json === true) printJson(call, { run, action: done.action, sent: done.sent });
    else print(call, done.words);
    await keepMoving(call, session);
    return EXIT.ok;
  });
}

function withWays(diagnosis: Diagnosis): object {
  return { ...diagnosis, ways: waysOf(diagnosis).map(({ flag }) => flag) };
}

function wordsOf({ colors }: Call, diagnosis: Diagnosis): string {
  const { run, status, version, quarantined, damage, letters, again, notRebuilt } = diagnosis;
  const lines = [`Run ${colors.bold(oneLine(run))} is ${oneLine(status)} at version ${oneLine(version)}.`];
  if (quarantined === null) {
    lines.push('It is not set aside.');
    if (damage.length === 0) return lines.join('\n');
  } else {
    lines.push(colors.bad(`It is set aside: ${oneLine(quarantined)}`));
  }
  for (const { field, problem } of damage) lines.push(`  damaged: ${oneLine(field)}: ${oneLine(problem)}`);
  if (damage.length === 0) lines.push('  Its records can be read.');
  if (notRebuilt !== null) lines.push(`  Its history does not give them back: ${oneLine(notRebuilt)}`);
  else if (damage.length > 0) lines.push('  Its history is whole, and gives its records back.');
  for (const letter of letters.slice(0, SHOWN)) {
    const problem = again.find((one) => one.letter.id === letter.id)?.problem ?? null;
    const trouble = problem === null ? '' : colors.bad(`; it would set the run aside again: ${oneLine(problem)}`);
    lines.push(`  dead letter ${letterName(letter)}: ${oneLine(letter.kind)}: ${oneLine(letter.reason)}${trouble}`);
  }
  if (letters.length > SHOWN)
    lines.push(`  and ${String(letters.length - SHOWN)} more: coord dead list --run ${oneLine(run)}`);
  if (quarantined !== null)
    lines.push(
      'What can be done:',
      ...waysOf(diagnosis).map(({ flag, words }) => `  ${commandFor(run, flag)}\n      ${words}`),
    );
  return lines.join('\n');
}

const SHOWN = 10;

function commandFor(run: string, flag: string): string {
  return flag.startsWith('coord ') ? flag : `coord repair ${oneLine(run)} ${flag}`;
}

/** The best first. */
function waysOf({
  damage,
  again,
  notRebuilt,
}: Diagnosis): readonly { readonly flag: string; readonly words: string }[] {
  const ways: { flag: string; words: string }[] = [];
  for (const { letter } of again)
    ways.push({ flag: `coord dead drop ${letterName(letter)}`, words: 'do without the message that sets it aside' });
  if (damage.length === 0)
    ways.push({ flag: '--release', words: 'goes on where it is; its dead letters are sent again' });
  if (damage.length > 0 && notRebuilt === null)
    ways.push({ flag: '--rebuild', words: 'its records as its history gives them, then as --release' });
  ways.push({
    flag: '--fail "reason"',
    words: 'ends it as failed; a run around it hears of it, and whoever waits for its slot starts',
  });
  return ways;
}
