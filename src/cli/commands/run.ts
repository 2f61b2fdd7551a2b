import type { Compilation } from '../../pipeline/compile.ts';
import { hasErrors } from '../../source/diagnostic.ts';
import { dump } from '../../pipeline/dump.ts';
import { runCompiled, type RunOptions } from '../../pipeline/run.ts';
import type { Simulation } from '../../pipeline/simulation.ts';
import { useColor } from '../color.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { compileScript, openMachine } from './compile-script.ts';
import { CommandFailure, loadScript, type Script } from './script.ts';
import { openSink } from './sink.ts';
import { findTraced, type Traced } from './traced-process.ts';
import { writeFile } from './write-file.ts';

/** Exit codes of mistakes that bpftrace finds in other places than its own checker: clang, the kernel. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  'bad-environment': 2,
  'clang-parse-error': 2,
  'helper-refusal': 255,
};

type Ready = Required<Pick<Compilation, 'generated' | 'verified'>>;

/** What `-- --help` says: the options that the script reads with getopt(). */
function scriptHelp({ options }: Compilation): string {
  if (options === undefined || options.size === 0) return 'no custom program options defined.';
  const lines = [...options].map(
    ([name, { description }]) => `--${name}${description === '' ? '' : `: ${description}`}`,
  );
  return `expected program options:\n${lines.join('\n')}`;
}

/** Compiles a script, attaches it to a machine and runs that until its time is over, the script calls exit() or Ctrl-C. */
export async function run(config: CliConfig, operands: readonly string[], host: CliHost): Promise<number> {
  const script = loadScript(config, operands, host);
  const machine = await openMachine(config, host);
  const traced = findTraced(config, machine);
  const compilation = compileScript(script, config, machine, host, {
    ...(traced.pid === undefined ? {} : { pid: traced.pid }),
    ...(traced.child === undefined ? {} : { childPid: traced.child.pid }),
  });
  if (config.debug.length > 0) {
    host.stdout(dump(config.debug, script.source, compilation));
    return hasErrors(compilation.diagnostics) ? 1 : 0;
  }
  if (askedForHelp(script)) {
    host.stderr(`HINT: ${scriptHelp(compilation)}\n`);
    return 1;
  }
  const { generated, verified } = compilation;
  if (generated === undefined || verified === undefined)
    return Math.max(1, ...compilation.diagnostics.map(({ code }) => STATUS_BY_CODE[code] ?? 1));
  if (config.emitElf !== undefined) {
    // Loaded only here: most runs write no object.
    const { emitObject } = await import('../../pipeline/emit-object.ts');
    writeFile(config.emitElf, emitObject(generated.image, generated.resources), host);
    return 0;
  }
  if (config.mode === 'codegen') return 0;
  return execute(config, { generated, verified }, machine, traced, host);
}

const askedForHelp = ({ named }: Script): boolean => named.includes('help');

async function execute(
  config: CliConfig,
  { generated, verified }: Ready,
  machine: Simulation,
  traced: Traced,
  host: CliHost,
): Promise<number> {
  const sink = openSink(config, host);
  const interrupt = new AbortController();
  host.onInterrupt(() => interrupt.abort());
  try {
    return await runCompiled({
      ...traced,
      ...modeOptions(config),
      machine,
      verified,
      resources: generated.resources,
      engine: config.jit,
      format: outputFormat(config),
      quiet: config.quiet,
      verbose: config.verbose,
      warnings: config.warnings > 0,
      dryRun: config.dryRun,
      interrupt: interrupt.signal,
      onUserSignal: host.onUserSignal,
      onAttached() {
        notifyAttached(host);
        host.onAttached?.(machine.kernel);
      },
      stdout: sink.write,
      stderr: host.stderr,
      color: useColor(host),
    });
  } finally {
    sink.close();
  }
}

/** A hook of bpftrace for whoever runs it in tests: a line once everything is attached. */
const NOTIFY_ATTACHED = '__BPFTRACE_NOTIFY_PROBES_ATTACHED';
function notifyAttached({ env, stdout }: CliHost): void {
  if (env[NOTIFY_ATTACHED] !== undefined) stdout(`${NOTIFY_ATTACHED}\n`);
}

function modeOptions({ mode, probeFilter, durationNs }: CliConfig): Partial<RunOptions> {
  return {
    ...(mode === 'test' || mode === 'bench' ? { measure: mode } : {}),
    ...(probeFilter === undefined ? {} : { probeFilter }),
    ...(durationNs === undefined ? {} : { durationNs }),
  };
}

function outputFormat({ format }: CliConfig): RunOptions['format'] {
  if (format === '' || format === 'text') return 'text';
  if (format === 'json') return 'json';
  throw new CommandFailure(`Invalid output format "${format}"\nValid formats: 'text', 'json'`);
}
