import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.{ts,tsx}'],
    testTimeout: 120_000,
    // Two cores in CI: threads start faster than processes and the tests keep no global state.
    pool: 'threads',
    // Vitest would leave one core for itself, and CI's machine has two.
    maxWorkers: '100%',
  },
});
