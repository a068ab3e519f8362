import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/personas/slots.js';

function slots(perPersona: Readonly<Record<string, number>>, total: number): Slots {
  return new Slots({ perPersona: new Map(Object.entries(perPersona)), total });
}

describe('places', () => {
  it('are reserved, settled and released', () => {
    const places = slots({ a: 2, b: 3 }, 4);
    const first = places.reserve();
    expect(first).toMatchObject({ personas: ['a', 'b'], limit: 2, total: 4 });
    if (first === null) return;
    expect(places.reserve()).toBeNull();
    places.settle(first, ['a', 'a', 'b']);
    const second = places.reserve();
    expect(second).toMatchObject({ personas: ['b'], limit: 2, total: 1 });
    if (second === null) return;
    places.settle(second, ['b']);
    expect(places.reserve()).toBeNull();
    places.release('a');
    expect(places.reserve()).toMatchObject({ personas: ['a', 'b'], limit: 1, total: 1 });
  });

  it('that become free are offered to a reservation without them, and to none that has them', () => {
    const places = slots({ a: 1, b: 1 }, 2);
    const first = places.reserve();
    if (first === null) throw new Error('no place');
    places.settle(first, ['a']);
    const waiting = places.reserve();
    if (waiting === null) throw new Error('no place');
    places.settle(waiting, []);
    const offers: boolean[] = [];
    places.onChange(() => offers.push(places.couldTakeMore(waiting)));
    const other = places.reserve();
    if (other === null) throw new Error('no place');
    places.settle(other, []);
    places.release('a');
    expect(offers).toEqual([false, true]);
  });
});
