/** The receipt of a cart, as lines of text. */
import { totals } from './cart.js';
import { findProduct } from './catalog.js';
import { formatCents } from './money.js';

export function receipt(cart) {
  const { subtotal, discount, shipping, total } = totals(cart);
  const lines = cart.items.map(({ sku, quantity }) => {
    const { name, price } = findProduct(sku);
    return `${quantity} x ${name}: ${formatCents(price * quantity)}`;
  });
  lines.push(`Subtotal: ${formatCents(subtotal)}`);
  if (cart.coupon !== null) lines.push(`Coupon ${cart.coupon}: ${formatCents(-discount)}`);
  lines.push(`Shipping: ${formatCents(shipping)}`, `Total: ${formatCents(total)}`);
  return lines;
}
