/** `coord artifacts`: what the personas of a run made. */
import { isUtf8 } from 'node:buffer';
import { writeFile } from 'node:fs/promises';
import type { Client } from '../../coordinator/client.js';
import { CoordError } from '../../core/errors.js';
import { systemWords } from '../../core/system-errors.js';
import { type Call, type Invoke, note, print, printJson, type Program, tableLook, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { artifactDiagram } from '../render/artifact-diagram.js';
import { oneLine, readable } from '../render/printable.js';
import { table } from '../render/table.js';

type Artifact = Awaited<ReturnType<Client['artifacts']>>[number];

export function addArtifacts(program: Program, invoke: Invoke): void {
  program
    .command('artifacts')
    .description('what the personas of a run made: the list, or one of them')
    .argument('<run>', 'id of the run')
    .argument('[name]', 'name, step/name, or the first 8 or more digits of the hash')
    .option('--output <file>', 'write it into a file')
    .option('--graph', 'draw which was made from which, as a Mermaid diagram')
    .option('--json', 'print the list, or the graph, as JSON')
    .action((run, name, { output, graph, json }, command) =>
      invoke(command, (call) =>
        withSession(call, 'find', async ({ client, observer }) => {
          if (graph === true) {
            if (name !== undefined || output !== undefined)
              throw new CoordError('USAGE', '--graph is of all artifacts of a run; leave the name and --output out');
            const produced = await observer.artifactGraph(run);
            if (json === true) printJson(call, produced);
            else print(call, artifactDiagram(produced));
            return EXIT.ok;
          }
          if (name !== undefined) return one(call, { client, run, name, output });
          if (output !== undefined) throw new CoordError('USAGE', '--output needs the name of one artifact');
          const all = await client.artifacts(run);
          if (json === true) printJson(call, all);
          else list(call, run, all);
          return EXIT.ok;
        }),
      ),
    );
}

function list(call: Call, run: string, all: readonly Artifact[]): void {
  if (all.length === 0) {
    print(call, `Run ${run} has no artifacts.`);
    return;
  }
  const columns = [
    { title: 'ARTIFACT', cell: ({ step, name }: Artifact) => `${step}/${name}` },
    { title: 'TYPE', cell: ({ type }: Artifact) => type },
    { title: 'SIZE', cell: ({ size }: Artifact) => bytes(size) },
    { title: 'SHA-256', cell: ({ sha256 }: Artifact) => sha256.slice(0, 12) },
  ];
  print(call, table(columns, all, tableLook(call)));
}

async function one(
  call: Call,
  { client, run, name, output }: { client: Client; run: string; name: string; output: string | undefined },
): Promise<number> {
  const { ref, content } = await client.artifact(run, name);
  const which = oneLine(`${ref.step}/${ref.name}`);
  if (output !== undefined) {
    const file = call.path(output);
    await writeFile(file, content).catch((error: unknown) => {
      throw new CoordError('USAGE', `${file} cannot be written: ${systemWords(error)}`, { cause: error });
    });
    note(call, `${which}, ${bytes(content.length)}, is in ${file}`);
  } else if (!call.io.isTTY) {
    call.io.stdout.write(content);
  } else if (!isUtf8(content) || content.includes(0)) {
    throw new CoordError(
      'USAGE',
      `${which} is no text (${oneLine(ref.type)}, ${bytes(content.length)}), so it is not shown on a terminal; use --output FILE`,
    );
  } else {
    print(call, readable(Buffer.from(content).toString('utf8')));
  }
  return EXIT.ok;
}

function bytes(size: number): string {
  if (size < 1024) return `${String(size)} B`;
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} KiB`;
  return `${(size / 1024 / 1024).toFixed(1)} MiB`;
}
