import { startMemoryEngine, functionPersona, parseWorkflow } from 'coord';

const engine = await startMemoryEngine({
  personas: [
    functionPersona({
      name: 'greeter',
      run: (request) => ({ status: 'pass', result: { greeted: request.task.name } }),
    }),
  ],
});
const parsed = parseWorkflow('name: hello\nsteps:\n  - { id: greet, persona: greeter }\n', {
  file: 'hello.yml',
  personas: null,
});
if (parsed.ok) {
  const { run } = await engine.client.start({
    definition: parsed.definition,
    task: { name: 'world' },
    workspace: null,
  });
  for await (const fact of engine.client.follow(run, new AbortController().signal)) console.log(fact.type);
}
await engine.stop();
