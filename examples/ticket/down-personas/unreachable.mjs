/** What a persona answers whose service cannot be reached. */
import { answer } from '../../../personas/programs/persona.mjs';

await answer(async () => {
  throw new Error(`the service of ${process.argv[2]} cannot be reached`);
});
