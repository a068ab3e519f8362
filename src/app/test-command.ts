/** `coord test` and its recordings: test files found and run, a real run written down as a test, and played again. */
import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { GlobalOptions, Session, TestRequest } from '../cli/application.js';
import type { Clock } from '../core/clock.js';
import { CoordError, hasCode } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import type { TestReport } from '../core/test-report.js';
import { loadWorkflow } from '../definition/load.js';
import { loadStepTypes } from '../definition/load-types.js';
import { checkedTests, findTests, type LoadTested, loadTests } from '../testing/load-tests.js';
import { recordedTest } from '../testing/record.js';
import { runTests } from '../testing/suite.js';
import { ownWorkflowDirectories, pluginDirectories, workflowDirectories } from './project.js';

const DEFAULT_SEED = 1;
/** Larger artifacts are written down as empty ones: a test is for reading. */
const ARTIFACT_WRITTEN_BYTES = 16 * 1024;

export async function runTestFiles(options: GlobalOptions, request: TestRequest, clock: Clock): Promise<TestReport> {
  const { files: given, filter, seed, color, tell } = request;
  const files = given.length > 0 ? await findTests(given) : await ownTests(options);
  if (files.length === 0) {
    const where = given.length > 0 ? given.join(', ') : join(options.directory, 'workflows');
    throw new CoordError('USAGE', `there are no tests (*.test.yml) in ${where}; docs/testing.md says how to write one`);
  }
  await refuseIrregular(files);
  const shown = files.map((file) => relativeTo(options.directory, file));
  const loaded = await loadTests(shown, { load: loader(options), color, directory: options.directory });
  return runTests({ ...loaded, filter, seed: seed ?? DEFAULT_SEED, clock, ...(tell === undefined ? {} : { tell }) });
}

/** A pipe that nobody writes to would be read for ever. */
async function refuseIrregular(files: readonly string[]): Promise<void> {
  for (const file of files)
    if ((await stat(file).catch(() => null))?.isFile() === false)
      throw new CoordError('USAGE', `the tests ${file} cannot be read: it is not a regular file`);
}

/** The YAML text of a test that goes as the run did. Throws RUN_NOT_FOUND. */
export async function recordRun({ client }: Pick<Session, 'client'>, run: string): Promise<string> {
  const view = await client.get(run);
  const facts = await client.history(run);
  return stringify(recordedTest({ view, facts, texts: await textsOf(client, run, facts) }), { lineWidth: 120 });
}

/** Plays the replies of a run on its workflow as the file is now; the differences are those of a test. */
export async function replayRun(
  session: Pick<Session, 'client'>,
  { options, run, clock }: { readonly options: GlobalOptions; readonly run: string; readonly clock: Clock },
): Promise<TestReport> {
  const text = await recordRun(session, run);
  const load = loader(options);
  const workflowOf = (file: { readonly workflow: string }): ReturnType<LoadTested> => load(file.workflow, null);
  const file = await checkedTests({ text, file: `run ${run}`, color: false, workflowOf });
  const report = await runTests({ files: [file], workflowOf, filter: null, seed: DEFAULT_SEED, clock });
  return { ...report, tests: report.tests.map((test) => ({ ...test, kind: 'replay' })) };
}

async function ownTests(options: GlobalOptions): Promise<readonly string[]> {
  const found = await Promise.all(
    ownWorkflowDirectories(options).map((directory) =>
      findTests([directory]).catch((error: unknown) => {
        // A project without that folder has no tests in it.
        if (hasCode(error, 'USAGE')) return [];
        throw error;
      }),
    ),
  );
  return found.flat();
}

function loader(options: GlobalOptions): LoadTested {
  return async (nameOrPath, environment) => {
    const directories = workflowDirectories(options);
    const types = await loadStepTypes(pluginDirectories(options));
    const { definition, inner } = await loadWorkflow(nameOrPath, { directories, personas: null, environment, types });
    return { definition, inner };
  };
}

/** Contents of the artifacts that are texts, by hash; of those that earlier attempts made, the store may know nothing. */
async function textsOf(
  client: Session['client'],
  run: string,
  facts: readonly Fact[],
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const { sha256, size } of facts.flatMap((fact) => ('artifacts' in fact ? fact.artifacts : []))) {
    if (texts.has(sha256) || size > ARTIFACT_WRITTEN_BYTES) continue;
    try {
      const { content } = await client.artifact(run, sha256);
      texts.set(sha256, new TextDecoder('utf-8', { fatal: true }).decode(content));
    } catch (error) {
      if (!(error instanceof TypeError) && !hasCode(error, 'ARTIFACT_NOT_FOUND')) throw error;
    }
  }
  return texts;
}

/** As the person would name it, when it lies in the project. */
function relativeTo(directory: string, file: string): string {
  const path = relative(directory, resolve(file));
  return path.startsWith('..') ? resolve(file) : path;
}
