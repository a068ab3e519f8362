/** Versions of Redis and Valkey that coord cannot be used with, or had better not be, each with where it was put right. */

export type Product = 'Redis' | 'Valkey';

/** Scripts with flags, which say what may run when memory is short, came with 7.0. */
export const OLDEST_MAJOR = 7;

export interface KnownFault {
  readonly level: 'error' | 'warning';
  readonly what: string;
  readonly cure: string;
}

/**
 * CVE-2025-49844, a use after free in Lua: who may run scripts may take over the server. By series, the first version that
 * does not have it; series that are not listed and older than the newest of these were never put right upstream.
 */
const LUA_FIXED: Readonly<Record<Product, readonly string[]>> = {
  Redis: ['6.2.20', '7.2.11', '7.4.6', '8.0.4', '8.2.2'],
  Valkey: ['7.2.11', '8.0.6', '8.1.4'],
};

export function knownFaults(product: Product, version: string): readonly KnownFault[] {
  const faults: KnownFault[] = [];
  if (product === 'Redis' && isOlder(version, '7.0.4') && !isOlder(version, '7.0.0'))
    faults.push({
      level: 'error',
      what: 'XAUTOCLAIM, which workers use, can crash this version (redis/redis#10968)',
      cure: 'upgrade to 7.0.4 or newer',
    });
  if (hasLuaFault(product, version))
    faults.push({
      level: 'warning',
      what: 'who may run scripts on this version may take over the server (CVE-2025-49844), unless your distribution has mended it (Debian has, in 7.0.15-1~deb12u6)',
      cure: `upgrade to ${LUA_FIXED[product].slice(1).join(', ')} or newer, and let nobody in who need not be`,
    });
  return faults;
}

function hasLuaFault(product: Product, version: string): boolean {
  const fixed = LUA_FIXED[product];
  const series = fixed.find((first) => seriesOf(first) === seriesOf(version));
  return isOlder(version, series ?? fixed.at(-1) ?? '');
}

function seriesOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** By numbers, part for part; what is no number counts as 0. */
export function isOlder(version: string, other: string): boolean {
  const parts = other.split('.');
  for (const [index, part] of version.split('.').entries()) {
    const difference = (Number.parseInt(part, 10) || 0) - (Number.parseInt(parts[index] ?? '0', 10) || 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
