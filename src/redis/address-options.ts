/**
 * The options of a Redis address, `?name=value&…`: which there are, for which kind of address, and how other clients call
 * them. Messages say what is wrong without repeating a value: it may be a password.
 */
import { CoordError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';

export type Shape = 'server' | 'socket' | 'sentinel' | 'cluster';

export interface Kind {
  readonly shape: Shape;
  readonly tls: boolean;
}

export const SCHEMES: Readonly<Record<string, Kind>> = {
  redis: { shape: 'server', tls: false },
  rediss: { shape: 'server', tls: true },
  unix: { shape: 'socket', tls: false },
  'redis+sentinel': { shape: 'sentinel', tls: false },
  'rediss+sentinel': { shape: 'sentinel', tls: true },
  'redis+cluster': { shape: 'cluster', tls: false },
  'rediss+cluster': { shape: 'cluster', tls: true },
};

const EXAMPLES: Readonly<Record<Shape, string>> = {
  server: 'redis://user:password@host:6379/0',
  socket: 'unix:/path/to/redis.sock',
  sentinel: 'redis+sentinel://host1:26379,host2:26379,host3:26379/mymaster',
  cluster: 'redis+cluster://host1:6379,host2:6379,host3:6379',
};

interface Rule {
  /** Of which shapes; all when it is absent. */
  readonly shapes?: readonly Shape[];
  readonly needsTls?: boolean;
  readonly file?: boolean;
  /** Another option that it makes no sense without. */
  readonly needs?: string;
}

const OPTIONS: Readonly<Record<string, Rule>> = {
  user: {},
  password: {},
  db: { shapes: ['server', 'socket', 'sentinel'] },
  client_name: {},
  confirm: {},
  confirm_timeout: { needs: 'confirm' },
  ca: { needsTls: true, file: true },
  cert: { needsTls: true, file: true, needs: 'key' },
  key: { needsTls: true, file: true, needs: 'cert' },
  servername: { needsTls: true },
  verify: { needsTls: true },
  sentinel_user: { shapes: ['sentinel'], needs: 'sentinel_password' },
  sentinel_password: { shapes: ['sentinel'] },
  sentinel_tls: { shapes: ['sentinel'], needsTls: true },
};

/** Every option that some address may have. */
export const OPTION_NAMES = Object.keys(OPTIONS);

/** How other clients call the same: what their users type by habit. */
const ALIASES: Readonly<Record<string, string>> = {
  username: 'user',
  ssl_ca_certs: 'ca',
  ssl_certfile: 'cert',
  ssl_keyfile: 'key',
  ssl_cert_reqs: 'verify',
  sentinel_username: 'sentinel_user',
  connectionName: 'client_name',
  sentinelUsername: 'sentinel_user',
  sentinelPassword: 'sentinel_password',
};

const ELSEWHERE: Readonly<Record<string, string>> = {
  tls: 'TLS is asked for by the scheme: rediss://',
  ssl: 'TLS is asked for by the scheme: rediss://',
  keyPrefix: 'coord separates its users by namespace: --namespace',
  sentinelMasterId: 'the name of the master is the path: …/mymaster',
};

export type Options = ReadonlyMap<string, string>;

export function readOptions(query: string, kind: Kind): Options {
  const options = new Map<string, string>();
  for (const part of query.split('&').filter((item) => item !== '')) {
    const equals = part.indexOf('=');
    const given = decoded(equals < 0 ? part : part.slice(0, equals), kind.shape);
    const value = decoded(equals < 0 ? '' : part.slice(equals + 1), kind.shape);
    const name = Object.hasOwn(ALIASES, given) ? (ALIASES[given] ?? given) : given;
    const rule = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (rule === undefined) {
      if (Object.hasOwn(ELSEWHERE, given))
        throw usage(`it has no option "${given}": ${ELSEWHERE[given] ?? ''}`, kind.shape);
      // A ? in a password begins what looks like options: nothing of it is repeated.
      if (query.includes('@'))
        throw usage('it has an option that there is not; a ? in a password must be written %3F', kind.shape);
      const known = namesFor(kind);
      throw usage(
        `it has no option "${given}".${didYouMean(given, known)} It may have ${known.join(', ')}`,
        kind.shape,
      );
    }
    if (value === '') throw usage(`its option "${given}" has no value`, kind.shape);
    if (options.has(name)) throw usage(`its option "${name}" is there twice`, kind.shape);
    // Processes of other folders are given the same line.
    if (rule.file === true && !value.startsWith('/'))
      throw usage(`the path of its option "${given}" does not begin with "/"`, kind.shape);
    if (rule.shapes !== undefined && !rule.shapes.includes(kind.shape))
      throw usage(
        name === 'db' ? 'a cluster has only database 0' : `its option "${given}" is for redis+sentinel://`,
        kind.shape,
      );
    if (rule.needsTls === true && !kind.tls)
      throw usage(`its option "${given}" is about TLS, which is asked for by the scheme: rediss`, kind.shape);
    options.set(name, value);
  }
  for (const name of options.keys()) {
    const needs = OPTIONS[name]?.needs;
    if (needs !== undefined && !options.has(needs))
      throw usage(`its option "${name}" says nothing without "${needs}"`, kind.shape);
  }
  return options;
}

function namesFor({ shape, tls }: Kind): readonly string[] {
  return Object.entries(OPTIONS)
    .filter(([, rule]) => (rule.shapes?.includes(shape) ?? true) && (tls || rule.needsTls !== true))
    .map(([name]) => name);
}

export function truth(
  options: Options,
  { name, otherwise, shape }: { readonly name: string; readonly otherwise: boolean; readonly shape: Shape },
): boolean {
  const value = options.get(name)?.toLowerCase();
  if (value === undefined) return otherwise;
  if (['yes', 'true', '1', 'required'].includes(value)) return true;
  if (['no', 'false', '0', 'none'].includes(value)) return false;
  throw usage(`its option "${name}" is neither yes nor no`, shape);
}

export function whole(
  text: string,
  range: { readonly what: string; readonly least: number; readonly most: number; readonly shape: Shape },
): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= range.least && number <= range.most) return number;
  throw usage(`${range.what} is no whole number from ${String(range.least)} to ${String(range.most)}`, range.shape);
}

export function decoded(text: string, shape: Shape): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw usage('it has a % that begins no character: a % itself is written %25', shape);
  }
}

export function usage(what: string, shape: Shape): CoordError {
  const end = /[.?]$/.test(what) ? '' : '.';
  return new CoordError('USAGE', `the Redis address cannot be used: ${what}${end} For example ${EXAMPLES[shape]}`);
}
