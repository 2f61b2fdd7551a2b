// Prints vitest's JSON report as the one line `N passed, N failed`; fails when nothing ran.
import { readFileSync } from 'node:fs';

const text = readFileSync(process.argv[2], 'utf8');
const report = text === '' ? { numPassedTests: 0, numFailedTests: 0 } : JSON.parse(text);
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed`);
process.exitCode = report.numPassedTests > 0 && report.numFailedTests === 0 ? 0 : 1;
