/** `coord test`: workflows tested like code, in virtual time; a run recorded as a test, and played again. */
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { CoordError } from '../../core/errors.js';
import { coveragePercent, type TestReport } from '../../core/test-report.js';
import { type Call, type Invoke, positiveInteger, print, printJson, type Program, withSession } from '../call.js';
import { EXIT } from '../exit-codes.js';
import { coverageLines, resultLines, summaryLine } from '../render/test-report.js';

interface Options {
  readonly filter?: string | undefined;
  readonly seed?: number | undefined;
  readonly minCoverage?: number | undefined;
  readonly record?: string | undefined;
  readonly replay?: string | undefined;
  readonly json?: true | undefined;
}

export function addTest(program: Program, invoke: Invoke): void {
  program
    .command('test')
    .description('run the tests of workflows, in virtual time and without any server')
    .argument('[path...]', "test files (*.test.yml), or folders with them; default: the project's workflows")
    .option('--filter <text>', 'only tests whose name contains the text')
    .option('--seed <n>', 'try the random orders of events that this number gives', positiveInteger)
    .option('--min-coverage <percent>', 'fail when less of the workflows is reached', percent)
    .option('--record <run>', 'print a real run as a test instead')
    .option('--replay <run>', 'play the replies of a real run on the workflow as it is now instead')
    .option('--json', 'print JSON')
    .action((paths, options, command) => invoke(command, (call) => test(call, paths, options)));
}

async function test(call: Call, paths: readonly string[], options: Options): Promise<number> {
  const { record, replay } = options;
  if (record !== undefined && replay !== undefined)
    throw new CoordError('USAGE', '--record and --replay cannot be used together');
  if ((record ?? replay) !== undefined && paths.length > 0)
    throw new CoordError('USAGE', 'files cannot be given together with --record or --replay');
  if (record !== undefined) {
    print(call, await withSession(call, 'find', (session) => call.app.recordTest(session, record)));
    return EXIT.ok;
  }
  return replay === undefined ? runFiles(call, paths, options) : replayOne(call, replay, options);
}

async function runFiles(call: Call, paths: readonly string[], options: Options): Promise<number> {
  let file = '';
  const report = await call.app.runTests(call.options, {
    files: paths.map((path) => call.path(path)),
    filter: options.filter ?? null,
    seed: options.seed ?? null,
    color: call.io.color && options.json !== true,
    tell: (result) => {
      if (options.json === true) return;
      if (result.file !== file) print(call, call.colors.bold(result.file));
      file = result.file;
      print(call, resultLines(call.colors, result).join('\n'));
    },
  });
  if (report.tests.length === 0 && options.filter !== undefined)
    throw new CoordError('USAGE', `no test has "${options.filter}" in its name`);
  if (options.json === true) printJson(call, report);
  else print(call, ['', ...coverageLines(call.colors, report), summaryLine(call.colors, report)].join('\n'));
  return judge(call, report, options);
}

async function replayOne(call: Call, run: string, options: Options): Promise<number> {
  const report = await withSession(call, 'find', (session) => call.app.replayRun(session, call.options, run));
  if (options.json === true) printJson(call, report);
  else print(call, report.tests.flatMap((result) => resultLines(call.colors, result)).join('\n'));
  return judge(call, report, {});
}

function judge({ io }: Call, report: TestReport, { minCoverage, json }: Options): number {
  if (report.tests.some(({ ok }) => !ok)) return EXIT.failed;
  const reached = coveragePercent(report.coverage);
  if (minCoverage === undefined || reached >= minCoverage) return EXIT.ok;
  if (json !== true) io.stderr.write(`coverage is ${String(reached)} %, and ${String(minCoverage)} % are asked for\n`);
  return EXIT.failed;
}

function percent(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100)
    throw new InvalidArgumentError('It must be a whole number from 0 to 100.');
  return Number(text);
}
