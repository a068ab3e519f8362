/** The products of the shop; prices in cents. */
const PRODUCTS = new Map([
  ['mug', { name: 'Mug', price: 999 }],
  ['plate', { name: 'Plate', price: 1450 }],
  ['spoon', { name: 'Spoon', price: 333 }],
  ['tray', { name: 'Tray', price: 3900 }],
]);

export function findProduct(sku) {
  const product = PRODUCTS.get(sku);
  if (product === undefined) throw new Error(`there is no product "${sku}"`);
  return product;
}
