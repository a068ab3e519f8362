/**
 * Where a Redis is, read from one line of text: a server, a socket, the sentinels that know the master, or the nodes of
 * a cluster, with who asks and how. Pure. What is wrong with a line is said without repeating it whole: passwords
 * appear in no message and no label.
 */
import { didYouMean } from '../core/suggest.js';
import {
  decoded,
  type Kind,
  type Options,
  readOptions,
  SCHEMES,
  type Shape,
  truth,
  usage,
  whole,
} from './address-options.js';

export interface Node {
  readonly host: string;
  readonly port: number;
}

/** Paths of PEM files; what is absent is Node's default: its own authorities, no certificate of the client. */
export interface Tls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the certificate must be for, where it is not the host's. */
  readonly servername?: string;
  /** False: any certificate will do, so that whoever sits between can read and change everything. */
  readonly verify: boolean;
}

export interface Login {
  readonly user?: string;
  readonly password: string;
}

interface Manner {
  readonly login?: Login;
  readonly db?: number;
  /** Confirmed mode: how many replicas must hold what was acknowledged. */
  readonly confirm?: { readonly replicas: number; readonly withinMs: number };
  /** What the server lists this client as. */
  readonly clientName?: string;
}

interface NetworkManner extends Manner {
  readonly tls?: Tls;
}

export interface SocketAddress extends Manner {
  readonly socket: string;
}

export interface ServerAddress extends NetworkManner {
  readonly server: Node;
}

export interface SentinelAddress extends NetworkManner {
  readonly sentinels: readonly Node[];
  /** The name that the sentinels know the master by. */
  readonly master: string;
  readonly sentinelLogin?: Login;
  /** False when the sentinels, unlike the servers, speak without TLS. */
  readonly sentinelTls: boolean;
}

export interface ClusterAddress extends NetworkManner {
  /** Some of its nodes; the others are learnt from them. */
  readonly cluster: readonly Node[];
}

export type Address = SocketAddress | ServerAddress | SentinelAddress | ClusterAddress;

const PORTS: Readonly<Record<Shape, number>> = { server: 6379, socket: 0, sentinel: 26_379, cluster: 6379 };
const CONFIRM_WITHIN_MS = 1_000;
const MOST_REPLICAS = 16;
const LONGEST_CONFIRM_MS = 60_000;

/** Throws USAGE that says what is wrong with it, with an example that is right. */
export function parseAddress(text: string): Address {
  const socket = text.startsWith('/') ? `unix:${text}` : text;
  const [, scheme = '', rest = ''] = /^([^:/@?]*):(.*)$/s.exec(socket) ?? [];
  const kind = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (kind === undefined) {
    const known = Object.keys(SCHEMES);
    const guess = scheme === '' ? '' : didYouMean(scheme, known);
    const said = scheme === '' ? 'it begins with no scheme' : `its scheme "${scheme}" is none of ${known.join(', ')}`;
    throw usage(`${said}.${guess}`, 'server');
  }
  const question = rest.indexOf('?');
  const where = question < 0 ? rest : rest.slice(0, question);
  const options = readOptions(question < 0 ? '' : rest.slice(question + 1), kind);
  if (kind.shape === 'socket') return socketAddress(where, options);
  return networkAddress(where, { ...kind, options });
}

/** For people: everything but who asks and with what. */
export function describe(address: Address): string {
  if ('socket' in address)
    return `unix:${address.socket}${address.db === undefined ? '' : `?db=${String(address.db)}`}`;
  const scheme = address.tls === undefined ? 'redis' : 'rediss';
  const db = address.db === undefined ? '' : `/${String(address.db)}`;
  if ('server' in address) return `${scheme}://${nodeName(address.server)}${db}`;
  if ('cluster' in address) return `${scheme}+cluster://${address.cluster.map(nodeName).join(',')}`;
  return `${scheme}+sentinel://${address.sentinels.map(nodeName).join(',')}/${address.master}${db}`;
}

/** `host:port`, with brackets around an IPv6 address. */
export function nodeName({ host, port }: Node): string {
  return `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

function socketAddress(where: string, options: Options): SocketAddress {
  const [, user, path = ''] = /^(?:\/\/(?:([^/@]*)@)?)?(.*)$/s.exec(where) ?? [];
  if (!path.startsWith('/')) throw usage('its path does not begin with "/"', 'socket');
  return {
    socket: decoded(path, 'socket'),
    ...mannerOf(loginFrom(user, 'socket'), { db: null, options, shape: 'socket' }),
  };
}

function networkAddress(
  where: string,
  { shape, tls, options }: Kind & { readonly options: Options },
): ServerAddress | SentinelAddress | ClusterAddress {
  if (!where.startsWith('//')) throw usage('its scheme is not followed by "//"', shape);
  // A password may hold any sign but the last @; what follows the hosts begins with the first slash after it.
  const at = where.lastIndexOf('@');
  const places = where.slice(at < 0 ? 2 : at + 1);
  if (at >= 0 && /[/?#]/.test(where.slice(2, at)))
    throw usage('its user or password holds one of / ? #, which must be written %2F %3F %23', shape);
  const slash = places.indexOf('/');
  const hosts = slash < 0 ? places : places.slice(0, slash);
  const path = slash < 0 ? [] : places.slice(slash + 1).split('/');
  const nodes = hosts.split(',').map((host) => nodeFrom(host, shape));
  const network = (db: string | undefined): NetworkManner => ({
    ...mannerOf(loginFrom(at < 0 ? undefined : where.slice(2, at), shape), { db: db ?? null, options, shape }),
    ...(tls && { tls: tlsFrom(options, shape) }),
  });
  if (shape === 'cluster') {
    if (path.length > 1 || !['', '0', undefined].includes(path[0])) throw usage('a cluster has only database 0', shape);
    return { cluster: nodes, ...network(undefined) };
  }
  if (shape === 'sentinel') {
    const [master = '', db, ...more] = path;
    if (master === '') throw usage('the name of the master is missing after the sentinels', shape);
    if (more.length > 0) throw usage('more than a database follows the name of the master', shape);
    const password = options.get('sentinel_password');
    const user = options.get('sentinel_user');
    return {
      sentinels: nodes,
      master: decoded(master, shape),
      sentinelTls: tls && truth(options, { name: 'sentinel_tls', otherwise: true, shape }),
      ...(password !== undefined && { sentinelLogin: { password, ...(user !== undefined && { user }) } }),
      ...network(db === '' ? undefined : db),
    };
  }
  const [server, ...more] = nodes;
  if (server === undefined || more.length > 0)
    throw usage('it names several servers: write redis+cluster:// or redis+sentinel://', shape);
  if (path.length > 1) throw usage('more than a database follows the host', shape);
  return { server, ...network(path[0] === '' ? undefined : path[0]) };
}

function nodeFrom(text: string, shape: Shape): Node {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/s.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port?.includes(':') === true)
    throw usage('a host has several colons: an IPv6 address stands in brackets, [::1]:6379', shape);
  if (host === '') throw usage('a host is missing', shape);
  const fits = bracketed === undefined ? /^[\w.-]+$/.test(host) : /^[\da-f:.]+(%\w+)?$/i.test(host);
  if (!fits) throw usage('a host has characters that no host has (a user and password end with @)', shape);
  if (port === undefined) return { host, port: PORTS[shape] };
  const number = Number(port);
  // What stands there may be a password whose @ was forgotten.
  if (!/^\d+$/.test(port) || number < 1 || number > 65_535)
    throw usage(`the port of ${host} is no number from 1 to 65535 (a user and password end with @)`, shape);
  return { host, port: number };
}

function loginFrom(text: string | undefined, shape: Shape): Partial<Login> {
  if (text === undefined || text === '') return {};
  const colon = text.indexOf(':');
  const user = decoded(colon < 0 ? text : text.slice(0, colon), shape);
  const password = colon < 0 ? undefined : decoded(text.slice(colon + 1), shape);
  return { ...(user !== '' && { user }), ...(password !== undefined && password !== '' && { password }) };
}

function mannerOf(
  given: Partial<Login>,
  { db, options, shape }: { readonly db: string | null; readonly options: Options; readonly shape: Shape },
): Manner {
  const user = given.user ?? options.get('user');
  const password = given.password ?? options.get('password');
  for (const word of ['user', 'password'] as const)
    if (given[word] !== undefined && options.has(word)) throw usage(`it names the ${word} twice`, shape);
  if (user !== undefined && password === undefined)
    throw usage('it names a user without a password, or the : before the password is missing', shape);
  if (db !== null && options.has('db')) throw usage('it names the database twice', shape);
  const database = db ?? options.get('db');
  const replicas = options.get('confirm');
  const name = options.get('client_name');
  return {
    ...(password !== undefined && { login: { password, ...(user !== undefined && { user }) } }),
    ...(database !== undefined && { db: whole(database, { what: 'its database', least: 0, most: 65_535, shape }) }),
    ...(replicas !== undefined && {
      confirm: {
        replicas: whole(replicas, { what: 'its option "confirm"', least: 1, most: MOST_REPLICAS, shape }),
        withinMs: whole(options.get('confirm_timeout') ?? String(CONFIRM_WITHIN_MS), {
          what: 'its option "confirm_timeout" (milliseconds)',
          least: 1,
          most: LONGEST_CONFIRM_MS,
          shape,
        }),
      },
    }),
    ...(name !== undefined && { clientName: name }),
  };
}

function tlsFrom(options: Options, shape: Shape): Tls {
  const files = ['ca', 'cert', 'key', 'servername'].flatMap((name) => {
    const value = options.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(files), verify: truth(options, { name: 'verify', otherwise: true, shape }) };
}
