/** `coord graph`: draws a workflow. */
import { writeFile } from 'node:fs/promises';
import { Option } from '@commander-js/extra-typings';
import { CoordError } from '../../core/errors.js';
import { systemWords } from '../../core/system-errors.js';
import { toMermaid, toSvg, toXStateConfig } from '../../definition/graph.js';
import type { WorkflowDefinition } from '../../definition/workflow.js';
import { type Invoke, note, print, type Program, workflowOf } from '../call.js';
import { EXIT } from '../exit-codes.js';

const FORMATS = ['mermaid', 'svg', 'xstate'] as const;

const DRAW: Readonly<Record<(typeof FORMATS)[number], (definition: WorkflowDefinition) => string>> = {
  mermaid: toMermaid,
  svg: toSvg,
  xstate: (definition) => `${JSON.stringify(toXStateConfig(definition), null, 2)}\n`,
};

export function addGraph(program: Program, invoke: Invoke): void {
  program
    .command('graph')
    .description('draw a workflow')
    .argument('<workflow>', 'name of a workflow, or a path to its file')
    .addOption(
      new Option('--format <format>', 'Mermaid text, an SVG picture, or a configuration for Stately')
        .choices(FORMATS)
        .default('mermaid' as const),
    )
    .option('--env <name>', 'with the variables of this environment')
    .option('--output <file>', 'write it into a file')
    .action((workflow, { format, env = null, output }, command) =>
      invoke(command, async (call) => {
        const { definition } = await call.app.loadWorkflow(workflowOf(call, workflow), call.options, null, env);
        const drawing = DRAW[format](definition);
        if (output === undefined) {
          print(call, drawing);
          return EXIT.ok;
        }
        const file = call.path(output);
        await writeFile(file, drawing).catch((error: unknown) => {
          throw new CoordError('USAGE', `${file} cannot be written: ${systemWords(error)}`, { cause: error });
        });
        note(call, `${definition.name} is drawn in ${file}`);
        return EXIT.ok;
      }),
    );
}
