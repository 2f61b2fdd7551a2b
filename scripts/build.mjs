// Bundles the command and the library into dist/ (or the folder named), and warms V8's code cache for the command's start-up.
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? `${root}dist`);
mkdirSync(outdir, { recursive: true });
// Chunks are named after their contents: those of earlier builds would stay.
for (const name of readdirSync(outdir)) if (name.startsWith('repl')) rmSync(`${outdir}/${name}`);
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Less text to scan at start-up; names stay, for stack traces that can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  define: { TSBPFTRACE_VERSION: JSON.stringify(version) },
  external: ['ink', 'react'],
  logLevel: 'warning',
};

/** What a part of the sources exports. */
async function importSource(entry) {
  const { outputFiles } = await build({ ...common, ...entry, format: 'esm', write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

// Facts that every start would have to work out anew: what the grammar decides by, and where the members of the kernel's
// structures lie.
const { grammarDecisions, machineLayouts } = await importSource({
  stdin: {
    contents: `
      import './src/pipeline/simulation.ts';
      export { grammarDecisions } from './src/parser/parse.ts';
      export { machineLayouts } from './src/simkernel/memory/layout.ts';`,
    resolveDir: root,
  },
});
common.define.TSBPFTRACE_DECISIONS = JSON.stringify(JSON.stringify(grammarDecisions()));
common.define.TSBPFTRACE_LAYOUTS = JSON.stringify(JSON.stringify(machineLayouts()));

// What most runs never touch is loaded when one of its exports is first read: packages of the subcommands, and megabytes of
// facts, which go into files beside the command.
const PACKAGES_ON_DEMAND = ['commander', 'diff', 'yaml', 'node:child_process', 'node:readline', 'node:stream'];
const FACTS_ON_DEMAND = ['kernel-btf', 'kernel-functions', 'remaining-btf', 'tracepoint-formats'];
const requireHere = createRequire(import.meta.url);
const onDemand = {
  name: 'on-demand',
  setup({ onLoad, onResolve }) {
    const module = (names, specifier) => ({
      contents: `module.exports = { ${names.map((name) => `get ${name}() { return require('${specifier}').${name}; }`).join(', ')} };`,
      resolveDir: root,
    });
    onResolve({ filter: new RegExp(`^(?:${PACKAGES_ON_DEMAND.join('|')})$`) }, ({ path, namespace }) =>
      namespace === 'package' ? undefined : { path, namespace: 'package' },
    );
    onLoad({ filter: /.*/, namespace: 'package' }, ({ path }) => module(Object.keys(requireHere(path)), path));

    onResolve({ filter: new RegExp(`/generated/(?:${FACTS_ON_DEMAND.join('|')})\\.ts$`) }, ({ path }) => ({
      path: basename(path, '.ts'),
      namespace: 'facts',
    }));
    onLoad({ filter: /.*/, namespace: 'facts' }, async ({ path }) => {
      const facts = await importSource({ entryPoints: [`src/simkernel/generated/${path}.ts`] });
      writeFileSync(`${outdir}/${path}.json`, JSON.stringify(facts));
      return module(Object.keys(facts), `./${path}.json`);
    });
    onResolve({ filter: /\.json$/, namespace: 'facts' }, ({ path }) => ({ path, external: true }));
  },
};

// The REPL is a bundle of its own, for Ink is a module, and its text would make every start longer.
const replApart = {
  name: 'repl-apart',
  setup({ onLoad }) {
    onLoad({ filter: /\/commands\/repl\.ts$/ }, () => ({
      contents: "export const repl = async (...args) => (await importModule('./repl.js')).repl(...args);",
    }));
    onLoad({ filter: /\/import-host-module\.ts$/ }, () => ({
      contents: 'export const importHostModule = (url) => importModule(url);',
    }));
  },
};

await Promise.all([
  build({
    ...common,
    entryPoints: { cli: 'src/cli/main.ts' },
    plugins: [replApart, onDemand],
    outdir,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    banner: { js: '(function (exports, require, module, importModule) {' },
    footer: { js: '})' },
  }),
  // CommonJS: Node starts it sooner than a module.
  build({
    ...common,
    entryPoints: { tsbpftrace: 'src/cli/start.ts' },
    outdir,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    define: { ...common.define, 'import.meta.dirname': '__dirname' },
  }),
  // Two threads: the screen and its keys, and the engine.
  build({
    ...common,
    entryPoints: { repl: 'src/cli/commands/repl.ts', 'repl-worker': 'src/cli/repl/worker.ts' },
    plugins: [onDemand],
    outdir,
    format: 'esm',
    splitting: true,
    chunkNames: 'repl-[hash]',
    jsx: 'automatic',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  }),
  build({ ...common, entryPoints: { api: 'src/pipeline/api.ts' }, outdir, format: 'esm' }),
]);
chmodSync(`${outdir}/tsbpftrace.cjs`, 0o755);

// What a first run compiles goes into the cache.
const filename = `${outdir}/cli.cjs`;
const script = new Script(readFileSync(filename, 'latin1'), { filename });
const loaded = { exports: {} };
script.runInThisContext()(loaded.exports, createRequire(filename), loaded);
await loaded.exports.warmUp();
writeFileSync(`${filename}.cache`, script.createCachedData());
