// The two personas of the workflow "hello". The request comes as JSON on standard input; the answer goes to standard output.
import { readFileSync } from 'node:fs';

const { params } = JSON.parse(readFileSync(0, 'utf8'));

const answers = {
  greet: () => ({ status: 'pass', result: { greeting: `Hello, ${params.name}!` } }),
  check: () =>
    params.text.includes(params.must_have)
      ? { status: 'pass' }
      : { status: 'fail', error: `"${params.must_have}" is not in "${params.text}"` },
};

process.stdout.write(JSON.stringify(answers[process.argv[2]]()));
