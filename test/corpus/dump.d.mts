import type { Redis } from 'ioredis';

export function dump(redis: Redis): Promise<{ readonly at: number; readonly keys: Readonly<Record<string, unknown>> }>;
