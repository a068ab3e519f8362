import { describe as group, expect, test } from 'vitest';
import { type Address, describe, parseAddress } from '../../src/redis/address.js';

const node = (host: string, port: number): object => ({ host, port });

group('an address', () => {
  const GOOD: readonly (readonly [text: string, address: object, label: string])[] = [
    ['redis://localhost', { server: node('localhost', 6379) }, 'redis://localhost:6379'],
    ['redis://10.0.0.1:6380/', { server: node('10.0.0.1', 6380) }, 'redis://10.0.0.1:6380'],
    ['redis://[::1]:7000/3', { server: node('::1', 7000), db: 3 }, 'redis://[::1]:7000/3'],
    ['redis://h?db=2', { server: node('h', 6379), db: 2 }, 'redis://h:6379/2'],
    [
      'redis://ann:s%2Fe:c@cret@h:1',
      { server: node('h', 1), login: { user: 'ann', password: 's/e:c@cret' } },
      'redis://h:1',
    ],
    ['redis://:secret@h', { server: node('h', 6379), login: { password: 'secret' } }, 'redis://h:6379'],
    [
      'redis://h?username=ann&password=secret',
      { server: node('h', 6379), login: { user: 'ann', password: 'secret' } },
      'redis://h:6379',
    ],
    ['rediss://h', { server: node('h', 6379), tls: { verify: true } }, 'rediss://h:6379'],
    [
      'rediss://h?ca=/a.pem&cert=/b.pem&key=/c.pem&servername=db.example',
      {
        server: node('h', 6379),
        tls: { ca: '/a.pem', cert: '/b.pem', key: '/c.pem', servername: 'db.example', verify: true },
      },
      'rediss://h:6379',
    ],
    [
      'rediss://h?ssl_cert_reqs=none&ssl_ca_certs=/a.pem',
      { server: node('h', 6379), tls: { ca: '/a.pem', verify: false } },
      'rediss://h:6379',
    ],
    ['unix:/run/redis.sock', { socket: '/run/redis.sock' }, 'unix:/run/redis.sock'],
    ['/run/redis.sock', { socket: '/run/redis.sock' }, 'unix:/run/redis.sock'],
    [
      'unix:///run/a%3Fb.sock?db=1&password=secret',
      { socket: '/run/a?b.sock', db: 1, login: { password: 'secret' } },
      'unix:/run/a?b.sock?db=1',
    ],
    ['unix://ann:secret@/r.sock', { socket: '/r.sock', login: { user: 'ann', password: 'secret' } }, 'unix:/r.sock'],
    [
      'redis+sentinel://a,b:1/mymaster',
      { sentinels: [node('a', 26_379), node('b', 1)], master: 'mymaster', sentinelTls: false },
      'redis+sentinel://a:26379,b:1/mymaster',
    ],
    [
      'rediss+sentinel://ann:secret@a:1/m/4?sentinel_user=watch&sentinel_password=hidden&sentinel_tls=no&confirm=1',
      {
        sentinels: [node('a', 1)],
        master: 'm',
        db: 4,
        login: { user: 'ann', password: 'secret' },
        sentinelLogin: { user: 'watch', password: 'hidden' },
        sentinelTls: false,
        tls: { verify: true },
        confirm: { replicas: 1, withinMs: 1_000 },
      },
      'rediss+sentinel://a:1/m/4',
    ],
    [
      'redis+cluster://ann:secret@a:1,b:2,c?confirm=2&confirm_timeout=300&client_name=ci',
      {
        cluster: [node('a', 1), node('b', 2), node('c', 6379)],
        login: { user: 'ann', password: 'secret' },
        confirm: { replicas: 2, withinMs: 300 },
        clientName: 'ci',
      },
      'redis+cluster://a:1,b:2,c:6379',
    ],
    ['rediss+cluster://a/0', { cluster: [node('a', 6379)], tls: { verify: true } }, 'rediss+cluster://a:6379'],
  ];

  test.each(GOOD)('%s', (text, address, label) => {
    const parsed: Address = parseAddress(text);
    expect(parsed).toEqual(address);
    expect(describe(parsed)).toBe(label);
    expect(describe(parsed)).not.toMatch(/secret|hidden|ann|watch/);
  });
});

group('what is no address says why', () => {
  const BAD: readonly (readonly [text: string, says: RegExp])[] = [
    ['', /begins with no scheme/],
    ['localhost', /begins with no scheme/],
    ['localhost:6379', /scheme "localhost" is none of redis, rediss, unix/],
    ['redis-cluster://a', /scheme "redis-cluster" .* Did you mean "redis\+cluster"\? For example redis:/],
    ['http://a', /scheme "http"/],
    ['redis:a', /not followed by "\/\/"/],
    ['redis://', /a host is missing/],
    ['redis://:6379', /a host is missing/],
    ['redis+cluster://a,,b', /a host is missing/],
    ['redis://a,b', /names several servers: write redis\+cluster/],
    ['redis://$HOST', /characters that no host has/],
    ['redis://::1', /an IPv6 address stands in brackets/],
    ['redis://a:0', /the port of a is no number from 1 to 65535/],
    ['redis://a:65536', /the port of a/],
    ['redis://ann:secret', /the port of ann .* end with @/],
    ['redis://ann:sec/ret@a', /must be written %2F/],
    ['redis://ann:sec?ret@a', /must be written %3F/],
    ['redis://ann:sec#ret@a', /must be written %2F %3F %23/],
    ['redis://secret@a', /without a password, or the : before the password/],
    ['redis://ann:secret@a?password=secret', /names the password twice/],
    ['redis://ann:s%ecret@a', /a % itself is written %25/],
    ['redis://a/x', /its database is no whole number from 0 to 65535/],
    ['redis://a/1/2', /more than a database/],
    ['redis://a/1?db=1', /names the database twice/],
    ['redis://a?db=', /option "db" has no value/],
    ['redis://a?db=1&db=1', /option "db" is there twice/],
    ['redis://a?confrim=1', /no option "confrim"\. Did you mean "confirm"\? It may have user, password, db/],
    ['redis://a?__proto__=1', /no option "__proto__"/],
    ['redis://a?tls=true', /no option "tls": TLS is asked for by the scheme: rediss:/],
    ['redis://a?keyPrefix=x', /--namespace/],
    ['redis://a?ca=/x', /option "ca" is about TLS/],
    ['redis://a?sentinel_user=x', /option "sentinel_user" is for redis\+sentinel/],
    ['rediss://a?ca=ca.pem', /path of its option "ca" does not begin with "\/"/],
    ['rediss://a?cert=/x', /option "cert" says nothing without "key"/],
    ['rediss://a?verify=perhaps', /option "verify" is neither yes nor no/],
    ['redis://a?confirm=0', /option "confirm" is no whole number from 1 to 16/],
    ['redis://a?confirm=1&confirm_timeout=1s', /confirm_timeout.*from 1 to 60000/],
    ['redis://a?confirm_timeout=1', /"confirm_timeout" says nothing without "confirm"/],
    ['redis+sentinel://a', /name of the master is missing .* For example redis\+sentinel:/],
    ['redis+sentinel://a/', /name of the master is missing/],
    ['redis+sentinel://a/m/0/x', /more than a database follows the name of the master/],
    ['redis+cluster://a/1', /a cluster has only database 0/],
    ['redis+cluster://a?db=1', /a cluster has only database 0/],
    ['unix:relative.sock', /does not begin with "\/"\. For example unix:/],
  ];

  test.each(BAD)('%s', (text, says) => {
    expect(() => parseAddress(text)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(says) }),
    );
    expect(() => parseAddress(text)).not.toThrow(/secret|sec\?ret|ret@/);
  });
});
