import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/redis/address.js';
import { OPTION_NAMES } from '../../src/redis/address-options.js';
import { TOP } from '../harness/process-tree.js';

const text = readFileSync(join(TOP, 'docs/redis.md'), 'utf8');
const rows = [...text.matchAll(/^\| (.+) \| (.+) \|$/gm)].map(
  ([, first = '', second = '']) => [first, second] as const,
);
const code = (cell: string): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, inside = '']) => inside);

describe('docs/redis.md', () => {
  const addresses = rows.flatMap(([, cell]) => code(cell).filter((inside) => /^(redis|unix)\S*:\//.test(inside)));

  test.each(addresses)('%s is an address', (address) => {
    expect(parseAddress(address)).toBeDefined();
    expect(address.startsWith('unix:') || parseAddress(address.replace('redis', 'rediss'))).toBeTruthy();
  });

  test('shows every shape and names every option', () => {
    expect(addresses).toHaveLength(4);
    const options = rows.flatMap(([cell]) => code(cell)).filter((name) => !name.includes(':'));
    expect(options.toSorted()).toEqual(OPTION_NAMES.toSorted());
  });
});
