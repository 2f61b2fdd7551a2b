// Bundles the command and the library into dist/ (or the folder named), and warms V8's code cache for the command's start-up.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? `${root}dist`);
mkdirSync(outdir, { recursive: true });
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
      import './src/simkernel/machine.ts';
      export { grammarDecisions } from './src/parser/parse.ts';
      export { machineLayouts } from './src/simkernel/memory/layout.ts';`,
    resolveDir: root,
  },
});
common.define.TSBPFTRACE_DECISIONS = JSON.stringify(JSON.stringify(grammarDecisions()));
common.define.TSBPFTRACE_LAYOUTS = JSON.stringify(JSON.stringify(machineLayouts()));

// commander loads child_process, and that the network, for subcommands that are programs of their own: we have none.
const noSubprocesses = {
  name: 'no-subprocesses',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('commander') ? { path: 'child_process', namespace: 'absent' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'absent' }, () => ({ contents: 'module.exports = {};' }));
  },
};
common.plugins = [noSubprocesses];

// A megabyte of facts that the smallest scripts never look at: files beside the command, read when first asked for.
const FACTS_ON_DEMAND = ['kernel-btf', 'tracepoint-formats'];
const factsOnDemand = {
  name: 'facts-on-demand',
  setup({ onLoad, onResolve }) {
    const filter = new RegExp(`/generated/(?:${FACTS_ON_DEMAND.join('|')})\\.ts$`);
    onResolve({ filter }, ({ path }) => ({ path: `${basename(path, '.ts')}.cjs`, namespace: 'on-demand' }));
    onLoad({ filter: /.*/, namespace: 'on-demand' }, async ({ path }) => {
      const name = basename(path, '.cjs');
      const exported = await importSource({ entryPoints: [`src/simkernel/generated/${name}.ts`] });
      writeFileSync(`${outdir}/${name}.json`, JSON.stringify(exported));
      const getters = Object.keys(exported).map((key) => `get ${key}() { return require('./${name}.json').${key}; }`);
      return { contents: `module.exports = { ${getters.join(', ')} };` };
    });
    onResolve({ filter: /\.json$/, namespace: 'on-demand' }, ({ path }) => ({ path, external: true }));
  },
};

await Promise.all([
  build({
    ...common,
    entryPoints: { cli: 'src/cli/main.ts' },
    plugins: [noSubprocesses, factsOnDemand],
    outdir,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    banner: { js: '(function (exports, require, module) {' },
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
