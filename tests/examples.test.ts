import { describe, test } from 'vitest';
import { compareCase, scriptsOfExamples } from './golden-case.ts';

// A file of their own beside golden.test.ts: vitest runs files in parallel, and these two take longest.
describe('examples', () => {
  test.each(scriptsOfExamples())('$name', compareCase);
});
