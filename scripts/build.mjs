// Bundles the command and the library into dist/. Code splitting keeps what a run does not need (the REPL and React) out of start-up.
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
rmSync(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { tsbpftrace: 'src/cli/main.ts', api: 'src/pipeline/api.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Less text to scan at start-up; names stay, for stack traces that can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: false,
  define: { TSBPFTRACE_VERSION: JSON.stringify(version) },
  external: ['ink', 'react'],
  // Bundled CommonJS packages may ask for `require`.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
chmodSync(`${root}dist/tsbpftrace.js`, 0o755);
