/** The cart. Every function returns a new cart and leaves the old one as it was. */
import { findProduct } from './catalog.js';
import { discountFor, findCoupon } from './coupons.js';
import { shippingFor } from './shipping.js';

export function emptyCart() {
  return { items: [], coupon: null };
}

export function addItem(cart, sku, quantity = 1) {
  if (!Number.isInteger(quantity) || quantity < 1) throw new RangeError('a quantity is a whole number from 1');
  findProduct(sku);
  const known = cart.items.some((item) => item.sku === sku);
  const items = known
    ? cart.items.map((item) => (item.sku === sku ? { sku, quantity: item.quantity + quantity } : item))
    : [...cart.items, { sku, quantity }];
  return { ...cart, items };
}

export function removeItem(cart, sku) {
  return { ...cart, items: cart.items.filter((item) => item.sku !== sku) };
}

/** A cart has one coupon at most; a second one replaces the first. */
export function useCoupon(cart, code) {
  findCoupon(code);
  return { ...cart, coupon: code };
}

/** All amounts in cents. */
export function totals(cart) {
  const subtotal = cart.items.reduce((sum, { sku, quantity }) => sum + findProduct(sku).price * quantity, 0);
  const discount = cart.coupon === null ? 0 : discountFor(findCoupon(cart.coupon), subtotal);
  const itemCount = cart.items.reduce((sum, { quantity }) => sum + quantity, 0);
  const shipping = shippingFor(subtotal - discount, itemCount);
  return { subtotal, discount, shipping, total: subtotal - discount + shipping };
}
