import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Compilation } from '../../pipeline/compile.ts';
import { dump } from '../../pipeline/dump.ts';
import { runCompiled } from '../../pipeline/run.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { compileScript, openMachine } from './compile-script.ts';
import { loadScript, reason } from './script.ts';

/** bpftrace tells clang's mistakes from its own by another exit code. */
const CLANG_ERROR = 'clang-parse-error';
const CLANG_ERROR_STATUS = 2;

/** What `-- --help` says: the options that the script reads with getopt(). */
function scriptHelp({ options }: Compilation): string {
  if (options === undefined || options.size === 0) return 'no custom program options defined.';
  const lines = [...options].map(
    ([name, { description }]) => `--${name}${description === '' ? '' : `: ${description}`}`,
  );
  return `expected program options:\n${lines.join('\n')}`;
}

type Sink = { readonly write: (bytes: Uint8Array | string) => void; readonly close: () => void };

function openSink(config: CliConfig, host: CliHost): Sink {
  if (config.output === undefined) return { write: host.stdout, close: () => undefined };
  const file = openSync(resolve(host.directory ?? '.', config.output), 'w');
  return {
    write: (bytes) => (typeof bytes === 'string' ? writeSync(file, bytes) : writeSync(file, bytes)),
    close: () => closeSync(file),
  };
}

/** Compiles a script, attaches it to a machine and runs that until its time is over, the script calls exit() or Ctrl-C. */
export async function run(config: CliConfig, operands: readonly string[], host: CliHost): Promise<number> {
  const script = loadScript(config, operands, host);
  if (typeof script === 'string') {
    host.stderr(`ERROR: ${script}\n`);
    return 1;
  }
  const machine = openMachine(config, host);
  if (typeof machine === 'string') {
    host.stderr(`ERROR: ${machine}\n`);
    return 1;
  }
  const compilation = compileScript(script, config, machine, host);
  if (config.debug.length > 0) {
    host.stdout(dump(config.debug, script.source, compilation));
    return compilation.verified === undefined ? 1 : 0;
  }
  if (script.named.includes('help')) {
    host.stderr(`HINT: ${scriptHelp(compilation)}\n`);
    return 1;
  }
  if (compilation.generated === undefined || compilation.verified === undefined)
    return compilation.diagnostics.some(({ code }) => code === CLANG_ERROR) ? CLANG_ERROR_STATUS : 1;
  const { format } = config;
  if (format !== 'text' && format !== 'json') {
    host.stderr(`ERROR: Invalid output format "${format}"\nValid formats: 'text', 'json'\n`);
    return 1;
  }
  let sink: Sink;
  try {
    sink = openSink(config, host);
  } catch (error) {
    host.stderr(`ERROR: failed to open file '${config.output}': ${reason(error)}\n`);
    return 1;
  }
  const interrupt = new AbortController();
  host.onInterrupt(() => interrupt.abort());
  try {
    return await runCompiled({
      machine,
      verified: compilation.verified,
      resources: compilation.generated.resources,
      engine: config.jit,
      format,
      quiet: config.quiet,
      warnings: !config.noWarnings,
      dryRun: config.dryRun,
      ...(config.durationNs === undefined ? {} : { durationNs: config.durationNs }),
      interrupt: interrupt.signal,
      stdout: sink.write,
      stderr: host.stderr,
    });
  } finally {
    sink.close();
  }
}
