import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addItem, emptyCart, removeItem, totals, useCoupon } from '../src/cart.js';

test('an empty cart costs nothing', () => {
  assert.deepEqual(totals(emptyCart()), { subtotal: 0, discount: 0, shipping: 0, total: 0 });
});

test('adding a product twice adds up its quantity', () => {
  const cart = addItem(addItem(emptyCart(), 'mug'), 'mug', 2);
  assert.deepEqual(cart.items, [{ sku: 'mug', quantity: 3 }]);
});

test('a product can be taken out again', () => {
  assert.deepEqual(removeItem(addItem(emptyCart(), 'mug'), 'mug').items, []);
});

test('an unknown product and an unknown coupon are refused', () => {
  assert.throws(() => addItem(emptyCart(), 'sofa'), /no product "sofa"/);
  assert.throws(() => useCoupon(emptyCart(), 'FREE'), /no coupon "FREE"/);
});

test('shipping is free from 50.00 on, counted after the discount', () => {
  const cart = addItem(addItem(emptyCart(), 'tray'), 'plate');
  assert.equal(totals(cart).shipping, 0);
  assert.equal(totals(useCoupon(cart, 'WELCOME10')).shipping, 490);
});
