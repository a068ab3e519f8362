/** `coord init`: a project to begin with, which runs at once, and a team of what is installed on this machine. */
import { relative } from 'node:path';
import { CoordError } from '../../core/errors.js';
import { type Finding, isFine } from '../../core/finding.js';
import { didYouMean } from '../../core/suggest.js';
import { type Call, type Invoke, note, print, printJson, type Program } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { projectFolder } from '../project-folder.js';
import { findingLines } from '../render/findings.js';
import { oneLine } from '../render/printable.js';
import { shellWord } from '../render/shell-word.js';
import type { Colleague, TeamFile } from '../team-desk.js';

interface Flags {
  readonly with?: string | undefined;
  readonly model?: string | undefined;
  readonly ask: boolean;
  readonly json?: true | undefined;
}

const NOBODY = 'nobody';

export function addInit(program: Program, invoke: Invoke): void {
  program
    .command('init')
    .description('make a project: a workflow, its personas and its tests, and a team of what is installed here')
    .argument('[folder]', 'where; by default the project, or the folder itself')
    .option(
      '--with <who>',
      `who plays the roles that need somebody who thinks: an agent or a model that is found here, or ${NOBODY}`,
    )
    .option('--model <name>', 'the model that they use; by default their own, or the first that is offered')
    .option('--no-ask', 'do not try whether they answer, which costs a few tokens')
    .option('--json', 'print JSON')
    .action((folder, flags, command) => invoke(command, (call) => init(call, folder ?? null, flags)));
}

async function init(call: Call, folder: string | null, flags: Flags): Promise<number> {
  const path = folder === null ? call.options.directory : call.path(folder);
  // What is unclear is asked before anything is written.
  const found = flags.with === NOBODY ? [] : await call.app.team.colleagues();
  const colleague = await chosen(call, found, flags);
  const model = colleague === null ? null : await modelFor(call, colleague, flags);
  const files = await call.app.initProject(path);
  const team = colleague === null ? [] : await call.app.team.write(path, { colleague, model });
  const top = projectFolder(path);
  if (top !== path)
    note(
      call,
      `${path} lies in the repository ${top}, where commands look for workflows; \`git init ${shellWord(path)}\` makes it a project of its own.`,
    );
  const proofs = await prove(call, { path, team, ask: flags.ask });
  const fine = proofs.every(({ findings }) => isFine(findings));
  const all = [...files, ...team];
  if (flags.json === true)
    printJson(call, {
      folder: path,
      files: all.map(({ file, created }) => ({ file, created })),
      team: { with: colleague?.id ?? null, model, proofs },
    });
  else {
    print(call, all.map((file) => fileLine(call, file)).join('\n'));
    print(call, teamLines(call, { colleague, model, found, proofs }).join('\n'));
    const there = relative(call.io.cwd, path);
    const how = there === '' ? 'coord' : `coord -C ${shellWord(there)}`;
    print(call, `\nTry it: ${how} run hello --set name=Ann\nTest it: ${how} test`);
  }
  return fine ? EXIT.ok : EXIT.failed;
}

/** Who plays the roles: who is named, the only one, or who the person at the terminal says. Throws USAGE for somebody who is not there. */
async function chosen(call: Call, found: readonly Colleague[], flags: Flags): Promise<Colleague | null> {
  const { prompts } = call.io;
  if (flags.with === NOBODY) return null;
  if (flags.with !== undefined) {
    const colleague = found.find(({ id }) => id === flags.with);
    if (colleague !== undefined) return colleague;
    const ids = found.map(({ id }) => id);
    const there = ids.length === 0 ? 'nobody is found here' : `found here: ${ids.join(', ')}`;
    throw new CoordError(
      'USAGE',
      `"${flags.with}" is not found on this machine; ${there}.${didYouMean(flags.with, ids)}`,
    );
  }
  if (found.length === 1) return found[0] ?? null;
  if (found.length === 0 || prompts === null || flags.json === true) return null;
  const options = [
    ...found.map(({ id, title }) => ({ value: id, label: title })),
    { value: NOBODY, label: 'nobody for now' },
  ];
  const answer = await prompts.select('Who plays the planner, the evaluator and the engineer?', options);
  return found.find(({ id }) => id === answer) ?? null;
}

async function modelFor(call: Call, { models, title }: Colleague, { model, json }: Flags): Promise<string | null> {
  if (model !== undefined || models === null) return model ?? null;
  const { prompts } = call.io;
  if (models.length === 1 || prompts === null || json === true) return models[0] ?? null;
  const options = models.slice(0, 30).map((name) => ({ value: name, label: name }));
  return (await prompts.select(`Which model of ${title}?`, options)) ?? models[0] ?? null;
}

interface Proof {
  readonly persona: string;
  readonly findings: readonly Finding[];
}

/** All are the same colleague, so one that answers stands for the others. */
async function prove(
  call: Call,
  { path, team, ask }: { readonly path: string; readonly team: readonly TeamFile[]; readonly ask: boolean },
): Promise<readonly Proof[]> {
  const stop = new AbortController();
  const release = call.io.onInterrupt(() => stop.abort());
  const place = { directory: path, personas: [] };
  const proofs: Proof[] = [];
  try {
    for (const [index, { persona }] of team.entries()) {
      const wanted = { persona, ask: ask && index === 0, signal: stop.signal };
      proofs.push({ persona, findings: await call.app.personas.check(place, wanted) });
    }
  } finally {
    release();
  }
  return proofs;
}

function fileLine({ colors }: Call, { file, created }: { readonly file: string; readonly created: boolean }): string {
  return created ? `${colors.good('created')}  ${oneLine(file)}` : `${colors.dim('is there')} ${oneLine(file)}`;
}

function teamLines(
  call: Call,
  {
    colleague,
    model,
    found,
    proofs,
  }: {
    readonly colleague: Colleague | null;
    readonly model: string | null;
    readonly found: readonly Colleague[];
    readonly proofs: readonly Proof[];
  },
): readonly string[] {
  if (colleague === null) {
    const who = found.map(({ id, title }) => `  coord init --with ${id}   ${oneLine(title)}`);
    return who.length === 0 ? [] : ['', 'For a team that plans, evaluates and makes changes:', ...who];
  }
  const using = model === null ? '' : `, ${oneLine(model)}`;
  const works = proofs.every(({ findings }) => isFine(findings));
  const lines = ['', `The team is ${oneLine(colleague.title)}${using}${works ? '' : ', and does not work yet'}:`];
  for (const { persona, findings } of proofs)
    lines.push(`${oneLine(persona)}\n${findingLines(findings, call.colors).replace(/^/gm, '  ')}`);
  if (!colleague.edits)
    lines.push('A model changes no files: write personas/lead-engineer.md with an agent or a command for that.');
  if (works) lines.push('Give it work: coord run project-loop --set title="…"');
  return lines;
}
