import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LabSession, type HostRequest, type ModuleSource } from '../../pipeline/lab.ts';
import { DEFAULTS } from '../options.ts';
import type { Command as RunCommand } from '../golden/run-case.ts';
import { useColor } from '../color.ts';
import type { CliHost } from '../host.ts';
import { importHostModule } from '../import-host-module.ts';
import { parseLab } from '../lab-options.ts';
import { openMachine } from './compile-script.ts';
import type { LabTerminal } from './lab-terminal.ts';
import { CommandFailure, reason } from './script.ts';

/** `tsbpftrace lab`: a shell on the simulated machine. */
export async function lab(args: readonly string[], host: CliHost, command: RunCommand): Promise<number> {
  const parsed = parseLab(args, host);
  if (parsed.kind === 'done') return parsed.exitCode;
  const { config, operands } = parsed;
  const [script] = operands;
  const simulation = await openMachine(
    { ...DEFAULTS, scenario: config.scenario, seed: config.seed, cpus: config.cpus, arch: config.arch },
    host,
  );
  const interactive = config.command === undefined && script === undefined && host.isInteractive?.() === true;
  const colors = interactive && useColor(host);
  // Loaded only here: scripts need no line editor.
  const terminal = interactive ? await openLabTerminal(colors) : undefined;
  const session = new LabSession({
    simulation,
    interactive: interactive || config.echo,
    echo: config.echo,
    colors,
    hasScript: config.command !== undefined || script !== undefined,
    ...(terminal === undefined ? {} : { onPrompt: terminal.onPrompt }),
    print: (text) => host.stdout(Buffer.from(text, 'latin1')),
    loadModule: (path) => loadModule(path, host),
    commands: { bpftrace: (request) => bpftrace(request, { ...host, simulation }, command) },
  });
  if (terminal !== undefined) return terminal.converse(session);
  session.feed(config.command ?? (script === undefined ? host.stdin() : readScript(script, host)));
  session.feed(null);
  await session.run();
  return session.exitCode ?? 1;
}

async function openLabTerminal(colors: boolean): Promise<LabTerminal> {
  const { LabTerminal } = await import('./lab-terminal.ts');
  return new LabTerminal({ input: process.stdin, output: process.stdout }, colors);
}

/** The user's own code, run with the user's rights: nothing of it comes from a script or from the machine. */
async function loadModule(path: string, { directory = '.' }: CliHost): Promise<ModuleSource | string> {
  const file = resolve(directory, path);
  if (!existsSync(file)) return 'No such file or directory';
  if (!/\.[cm]?[jt]s$/.test(file)) return 'Invalid module format (a module is a file of JavaScript or TypeScript here)';
  try {
    const loaded = (await importHostModule(pathToFileURL(file).href)) as Partial<ModuleSource>;
    const { init, exit } = loaded;
    if (typeof init !== 'function') return 'it exports no init()';
    return { init, ...(exit === undefined ? {} : { exit }) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function readScript(path: string, { directory = '.' }: CliHost): string {
  try {
    return readFileSync(resolve(directory, path), 'utf8');
  } catch (error) {
    throw new CommandFailure(`failed to open '${path}': ${reason(error)}`);
  }
}

/** bpftrace in the lab: this command, on the machine of the lab. */
function bpftrace(request: HostRequest, host: CliHost, command: RunCommand): Promise<number> {
  // A byte of text on the machine is a character.
  const text = (output: Uint8Array | string): string =>
    (typeof output === 'string'
      ? Buffer.from(output)
      : Buffer.from(output.buffer, output.byteOffset, output.length)
    ).toString('latin1');
  return command(request.argv.slice(1), {
    ...host,
    isTerminal: false,
    isInteractive: () => false,
    stdout: (bytes) => request.write(text(bytes), false),
    stderr: (bytes) => request.write(text(bytes), true),
    stdin: request.input,
    onInterrupt: (handler) => {
      request.interrupt = handler;
    },
  });
}
