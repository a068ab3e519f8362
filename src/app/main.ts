/** The program `coord`. */
import { processIo } from '../cli/io.js';
import { runCommandLine } from '../cli/program.js';
import { createApplication } from './application.js';

process.exitCode = await runCommandLine(process.argv, createApplication(), processIo());
