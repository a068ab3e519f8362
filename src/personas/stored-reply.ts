/** From what a persona hands back to what is sent: its artifacts are stored first, so that a reply never names what is not there. */
import { ARTIFACT_LIMIT_BYTES, type ArtifactRef, type PersonaReply, REPLY_LIMIT_BYTES } from '../core/exchange.js';
import { errorReply, type RawArtifact, type RawReply } from './runner.js';

/** `put` stores an artifact and gives its hash. What is too large to be sent is an INVALID_REPLY. */
export async function storedReply(raw: RawReply, put: (content: Uint8Array) => Promise<string>): Promise<PersonaReply> {
  const refs: ArtifactRef[] = [];
  for (const artifact of raw.artifacts) {
    if (artifact.content.length > ARTIFACT_LIMIT_BYTES) return tooLarge(artifact);
    const hash = await put(artifact.content);
    refs.push({ name: artifact.name, sha256: hash, size: artifact.content.length, type: artifact.type });
  }
  const { endpoint: _, ...rest } = raw;
  const reply: PersonaReply = { ...rest, artifacts: refs, commit: null };
  const size = Buffer.byteLength(JSON.stringify(reply)) + 64;
  if (size <= REPLY_LIMIT_BYTES) return reply;
  const limit = `the limit is ${String(REPLY_LIMIT_BYTES)}; put large outputs into "artifacts"`;
  return {
    ...errorReply('INVALID_REPLY', `the reply has ${String(size)} bytes; ${limit}`),
    artifacts: [],
    commit: null,
  };
}

function tooLarge({ name, content }: RawArtifact): PersonaReply {
  const size = `${String(content.length)} bytes; the limit is ${String(ARTIFACT_LIMIT_BYTES)}`;
  return { ...errorReply('INVALID_REPLY', `artifact "${name}" has ${size}`), artifacts: [], commit: null };
}
