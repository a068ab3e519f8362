import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/personas/slots.js';

function slots(perPersona: Readonly<Record<string, number>>, total: number, takers = 1): Slots {
  return new Slots({ perPersona: new Map(Object.entries(perPersona)), total, takers });
}

describe('places of one loop', () => {
  it('are reserved, settled and released', () => {
    const places = slots({ a: 2, b: 3 }, 4);
    const first = places.reserve(0);
    expect(first).toMatchObject({ personas: ['a', 'b'], limit: 2, total: 4, scarce: false });
    if (first === null) return;
    places.settle(first, ['a', 'a', 'b']);
    const second = places.reserve(0);
    expect(second).toMatchObject({ personas: ['b'], limit: 2, total: 1 });
    if (second === null) return;
    places.settle(second, ['b']);
    expect(places.reserve(0)).toBeNull();
    places.release('a');
    expect(places.reserve(0)).toMatchObject({ personas: ['a', 'b'], limit: 1, total: 1 });
  });

  it('that become free are offered to a reservation without them', () => {
    const places = slots({ a: 1, b: 1 }, 2);
    const first = places.reserve(0);
    if (first === null) throw new Error('no place');
    places.settle(first, ['a']);
    const waiting = places.reserve(0);
    if (waiting === null) throw new Error('no place');
    const offers: boolean[] = [];
    places.onChange(() => offers.push(places.couldTakeMore(waiting)));
    places.release('a');
    expect(offers).toEqual([true]);
  });
});

describe('places of several loops', () => {
  it('go to the one that was served longest ago', () => {
    const places = slots({ a: 1 }, 1, 3);
    const order: number[] = [];
    const refused: unknown[] = [];
    for (let round = 0; round < 9; round++) {
      for (const taker of [0, 1, 2]) {
        const reservation = places.reserve(taker);
        if (reservation === null) continue;
        order.push(taker);
        const others = [0, 1, 2].filter((other) => other !== taker);
        refused.push(...others.map((other) => places.reserve(other)));
        places.settle(reservation, []);
        refused.push(places.reserve(taker));
        break;
      }
    }
    expect(new Set(refused)).toEqual(new Set([null]));
    expect(order).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
  });

  it('are shared when there are enough', () => {
    const places = slots({ a: 9 }, 9, 3);
    expect([0, 1, 2].map((taker) => places.reserve(taker)?.limit)).toEqual([3, 2, 1]);
  });
});
