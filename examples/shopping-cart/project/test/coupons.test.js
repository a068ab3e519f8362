import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addItem, emptyCart, totals, useCoupon } from '../src/cart.js';
import { discountFor, findCoupon } from '../src/coupons.js';
import { receipt } from '../src/receipt.js';

test('a percent coupon takes its share of the subtotal', () => {
  assert.equal(discountFor(findCoupon('SPRING15'), 2000), 300);
});

test('an amount coupon takes its amount', () => {
  assert.equal(discountFor(findCoupon('WELCOME10'), 3900), 1000);
});

test('a percent coupon gives whole cents', () => {
  const cart = useCoupon(addItem(emptyCart(), 'mug'), 'SPRING15');
  assert.deepEqual(totals(cart), { subtotal: 999, discount: 150, shipping: 490, total: 1339 });
  assert.equal(receipt(cart).at(-1), 'Total: 13.39 EUR');
});

test('a coupon never takes more than the goods cost', () => {
  const cart = useCoupon(addItem(emptyCart(), 'spoon'), 'GIFT50');
  assert.deepEqual(totals(cart), { subtotal: 333, discount: 333, shipping: 490, total: 490 });
});
