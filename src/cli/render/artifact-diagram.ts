/** Which artifact was made from which, as a Mermaid diagram: a box per step that left some, an arrow per artifact known to the next. */
import type { ProducedArtifact } from '../../coordinator/client-artifacts.js';
import { mermaidText } from '../../core/mermaid-text.js';

export function artifactDiagram(produced: readonly ProducedArtifact[]): string {
  const nodes = new Map(produced.map(({ step, name }, index) => [keyOf({ step, name }), `a${String(index)}`]));
  const steps = new Map<string, ProducedArtifact[]>();
  for (const one of produced) steps.set(one.step, [...(steps.get(one.step) ?? []), one]);
  const lines = ['flowchart TB'];
  for (const [step, artifacts] of steps) {
    const [{ persona, attempt, commit } = { persona: '', attempt: 0, commit: null }] = artifacts;
    const about = [step, `${persona}, attempt ${String(attempt)}`, ...(commit === null ? [] : [commit.slice(0, 12)])];
    lines.push(
      `  subgraph s${nodes.get(keyOf(artifacts[0] ?? { step, name: '' })) ?? ''}["${about.map(mermaidText).join('<br/>')}"]`,
    );
    for (const { name, size, sha256 } of artifacts) {
      const text = [name, `${String(size)} bytes, ${sha256.slice(0, 8)}`].map(mermaidText).join('<br/>');
      lines.push(`    ${nodes.get(keyOf({ step, name })) ?? ''}["${text}"]`);
    }
    lines.push('  end');
  }
  for (const { step, name, parents } of produced) {
    for (const parent of parents) {
      const from = nodes.get(keyOf(parent));
      if (from !== undefined) lines.push(`  ${from} --> ${nodes.get(keyOf({ step, name })) ?? ''}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function keyOf({ step, name }: { readonly step: string; readonly name: string }): string {
  return `${step}\n${name}`;
}
