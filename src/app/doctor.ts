/** `coord doctor`: what is there, what is missing, what would break a promise, and the command that cures it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { GlobalOptions } from '../cli/application.js';
import type { Finding } from '../core/finding.js';
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import { listWorkflows, loadWorkflow } from '../definition/load.js';
import { loadStepTypes } from '../definition/load-types.js';
import { allSteps, isAsking, personasOf } from '../definition/steps.js';
import { loadPersonas, surveyPersonas } from '../personas/catalog.js';
import { openRepository } from '../personas/repository.js';
import { managedServer, serverAnswers } from '../redis/managed-server.js';
import { inspectRedis, problemsOf, type RedisFacts, type ServerFacts } from '../redis/suitability.js';
import { acceptedBy, givenAddress, type Means } from './connect.js';
import { incidentFindings } from './doctor-incidents.js';
import { livingHosts } from './host-record.js';
import {
  ownWorkflowDirectories,
  personaDirectories,
  pluginDirectories,
  stateDirectory,
  VERSION,
  workflowDirectories,
} from './project.js';
import { cureFor, findRedisBinary } from './redis-binary.js';

const OLDEST_NODE = [20, 19] as const;

interface Place {
  readonly options: GlobalOptions;
  readonly personas: readonly string[];
  readonly means: Means;
}

export async function examine(
  options: GlobalOptions,
  { personas, means }: Omit<Place, 'options'>,
): Promise<readonly Finding[]> {
  const place: Place = { options, personas, means };
  const findings = await Promise.all([
    node(),
    git(),
    redis(place),
    repository(place),
    personaFiles(place),
    workflows(place),
    host(place),
  ]);
  return [ok('coord', VERSION), ...findings.flat()];
}

async function node(): Promise<Finding[]> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return [
    fits
      ? ok('Node', process.versions.node)
      : bad('Node', `${process.versions.node} is too old`, `install Node ${OLDEST_NODE.join('.')} or newer`),
  ];
}

async function git(): Promise<Finding[]> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version']);
    return [ok('git', stdout.trim().replace('git version ', ''))];
  } catch {
    return [bad('git', 'not found', 'apt-get install git, or brew install git')];
  }
}

async function redis({ options, means }: Place): Promise<Finding[]> {
  const given = givenAddress(options);
  const server = managedServer(stateDirectory(options));
  const address = given ?? ((await serverAnswers(server, means.clock)) ? { socket: server.socket } : null);
  if (address === null) {
    const found = await findRedisBinary(means.env);
    if (found.binary !== null) return [ok('Redis', `${found.binary}; a private server is started on first use`)];
    const cure = await cureFor(means.clock);
    return [warn('Redis', `${found.why}: runs would live in the memory of one process`, cure)];
  }
  try {
    const facts = await inspectRedis(address, means.clock);
    const problems = problemsOf(facts, acceptedBy(means.env)).map(
      ({ level, message, cure }): Finding => ({ level, subject: 'Redis', message, cure }),
    );
    const past = await incidentFindings(address, { options, means });
    return [...shape(facts), ...facts.servers.map((each) => ok('Redis', words(each))), ...problems, ...past];
  } catch (error) {
    return [bad('Redis', messageOf(error), cureOf(error))];
  }
}

/** What there is beside its servers. */
function shape({ address, label, servers, slotsServed }: RedisFacts): Finding[] {
  if (slotsServed === null) return [];
  const masters = servers.length === 1 ? '1 master' : `${String(servers.length)} masters`;
  const confirm = address.confirm === undefined ? '' : `, confirmed by ${String(address.confirm.replicas)} replicas`;
  return [ok('Redis', `${label}: ${masters}, ${String(slotsServed)} of 16384 slots served${confirm}`)];
}

function words({ product, version, label, replicas, appendOnly, appendFsync }: ServerFacts): string {
  const log = appendOnly ? (appendFsync ?? 'on') : 'off';
  const followers = replicas === 0 ? '' : `, ${String(replicas)} ${replicas === 1 ? 'replica' : 'replicas'}`;
  return `${product === 'Redis' ? '' : `${product} `}${version} at ${label}, AOF ${log}${followers}`;
}

function cureOf(error: unknown): string {
  if (hasCode(error, 'REDIS_DENIED')) return 'correct user and password in the address, or the rights of the user';
  if (hasCode(error, 'REDIS_UNSUITABLE')) return 'correct the address';
  return 'check the address, and that the server runs';
}

async function repository({ options, means }: Place): Promise<Finding[]> {
  try {
    const { top, dirty } = await openRepository(options.directory, means.clock);
    return [
      dirty
        ? warn('repository', `${top} has changes that are not committed; runs do not see them`, 'git commit')
        : ok('repository', top),
    ];
  } catch (error) {
    return [warn('repository', messageOf(error), null)];
  }
}

async function personaFiles({ options, personas }: Place): Promise<Finding[]> {
  try {
    const found = await loadPersonas(personaDirectories(options, personas));
    const own = [...found.values()].some(({ file }) => file !== null);
    const names = [...found.keys()].join(', ');
    // What is left out stops nobody, and so is told nowhere else.
    const { problems } = await surveyPersonas(personaDirectories(options, personas));
    const files = [...new Set(problems.map(({ file }) => file))];
    const left = files.map((file) => warn('personas', `${file} is left out`, 'coord persona list'));
    return [
      ...left,
      own ? ok('personas', names) : warn('personas', `only ${names}`, 'add Markdown files to personas/'),
    ];
  } catch (error) {
    return [bad('personas', messageOf(error), null)];
  }
}

async function workflows({ options, personas }: Place): Promise<Finding[]> {
  const directories = workflowDirectories(options);
  const known = await loadPersonas(personaDirectories(options, personas)).catch(() => null);
  const types = await loadStepTypes(pluginDirectories(options)).catch((error: unknown) => messageOf(error));
  if (typeof types === 'string') return [bad('plugins', types, 'correct the file, or take it away')];
  const own = await listWorkflows(ownWorkflowDirectories(options));
  const named = new Set(own.map(({ name }) => name));
  const shipped = (await listWorkflows(directories)).filter(({ name }) => !named.has(name));
  const findings = await Promise.all(
    own.map(async ({ name, file }): Promise<Finding> => {
      try {
        await loadWorkflow(file, { directories, personas: known === null ? null : new Set(known.keys()), types });
        return ok('workflow', name);
      } catch (error) {
        const text = error instanceof CoordError ? (error.message.split('\n')[0] ?? '') : messageOf(error);
        return warn('workflow', `${name}: ${text}`, `coord validate ${name}`);
      }
    }),
  );
  return [...findings, ...(await shippedWorkflows(shipped, { directories, known }))];
}

/** They are there to be begun with, so personas that they ask and nobody has written are no fault of the project. */
async function shippedWorkflows(
  files: Awaited<ReturnType<typeof listWorkflows>>,
  { directories, known }: { directories: readonly string[]; known: ReadonlyMap<string, unknown> | null },
): Promise<Finding[]> {
  if (files.length === 0) return [];
  const missing = new Set<string>();
  for (const { file } of files) {
    const loaded = await loadWorkflow(file, { directories, personas: null }).catch(() => null);
    for (const step of loaded === null ? [] : allSteps(loaded.definition.steps))
      for (const persona of isAsking(step) ? personasOf(step) : [])
        if (known?.has(persona) === false) missing.add(persona);
  }
  const names = files.map(({ name }) => name).join(', ');
  const asked =
    missing.size === 0 ? '' : `; they ask personas without a file here: ${[...missing].toSorted().join(', ')}`;
  return [ok('workflows', `coord brings ${names}${asked}`)];
}

async function host({ options }: Place): Promise<Finding[]> {
  const hosts = [...(await livingHosts(options)).values()];
  return hosts.map((record) => ok('background host', `pid ${String(record.process.pid)}`));
}

const ok = (subject: string, message: string): Finding => ({ level: 'ok', subject, message, cure: null });
const warn = (subject: string, message: string, cure: string | null): Finding => ({
  level: 'warning',
  subject,
  message,
  cure,
});
const bad = (subject: string, message: string, cure: string | null): Finding => ({
  level: 'error',
  subject,
  message,
  cure,
});
