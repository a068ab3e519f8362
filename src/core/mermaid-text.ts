/** Text inside of a Mermaid diagram. */

/** Cut after 120 characters; Mermaid's own escapes (`#` code `;`) for everything that is not a plain letter, digit or harmless sign. */
export function mermaidText(text: string): string {
  const clipped = text.length > 120 ? `${text.slice(0, 119)}…` : text;
  return clipped
    .replace(/[\p{Cc}\p{Cf}\p{Cs}]+/gu, ' ')
    .replace(/[^\p{L}\p{N} .,_/()?!=+*-]/gu, (character) => `#${String(character.codePointAt(0) ?? 0)};`);
}
