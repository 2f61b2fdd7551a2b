import tseslint from 'typescript-eslint';

// Few rules; layout is the formatter's, correctness the compiler's. Each rule here has its reason.
export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '**/generated/**', 'tests/cases/'] },
  ...tseslint.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // `noUnusedLocals` reports locals; parameters may stay for a signature's sake when they start with `_`.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      // A `!` states an invariant that noUncheckedIndexedAccess can't see: table look-ups are full of them.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Default exports have two names; barrels hide who imports what.
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' },
        { selector: 'ExportAllDeclaration', message: 'Import from the file that declares it.' },
        { selector: 'TSEnumDeclaration', message: 'Use a table and `keyof typeof`.' },
      ],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**'],
    rules: {
      // The output is a function of script, arguments, scenario, seed and version: no wall clock, no host chance.
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Time is the virtual clock.' },
        { object: 'performance', property: 'now', message: 'Time is the virtual clock.' },
        { object: 'Math', property: 'random', message: 'Chance is the seeded source.' },
      ],
    },
  },
  {
    // Tool configuration files are loaded by their default export.
    files: ['*.config.{js,ts}'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
