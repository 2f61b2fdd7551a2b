import { complete, type Completion } from '../simkernel/shell/complete.ts';
import { Lab } from '../simkernel/shell/lab.ts';
import type { HostRequest } from '../simkernel/shell/lab.ts';
import { takeModuleRequests } from '../simkernel/shell/module-source.ts';
import type { ModuleSource } from '../simkernel/modules/module-api.ts';
import type { Simulation } from './simulation.ts';

export interface LabSessionOptions {
  readonly simulation: Simulation;
  /** What appears on the lab's terminal. */
  readonly print: (text: string) => void;
  readonly interactive: boolean;
  /** Lines are shown as they are read: the output is a transcript. */
  readonly echo: boolean;
  /** What is typed is a script, which commands do not get to read. */
  readonly hasScript?: boolean;
  /** Commands that are carried out outside of the machine, and how. */
  readonly commands: Readonly<Record<string, (request: HostRequest) => Promise<number>>>;
  /** Somebody else shows prompts and edits lines. */
  readonly onPrompt?: (text: string, directory: string) => void;
  readonly colors?: boolean;
  /** The code of a module in a file of the user's, or why it cannot be loaded. */
  readonly loadModule: (path: string) => Promise<ModuleSource | string>;
}

/** A shell on a simulated machine: type lines, and let it run until it wants more. */
export class LabSession {
  private readonly lab: Lab;
  private readonly commands: LabSessionOptions['commands'];
  private readonly loadModule: LabSessionOptions['loadModule'];
  /** Host commands under way: each of them drives the machine. */
  private running = 0;

  constructor({ simulation, commands, loadModule, ...options }: LabSessionOptions) {
    const machine = simulation.machine();
    this.commands = commands;
    this.loadModule = loadModule;
    this.lab = new Lab(machine, { ...options, hostCommands: Object.keys(commands) });
  }
  get exitCode(): number | undefined {
    return this.lab.exitCode;
  }
  /** It has read all that was typed. */
  get isWaiting(): boolean {
    return this.lab.isWaiting;
  }
  /** Types text; null ends the input. */
  feed(text: string | null): void {
    if (text === null) this.lab.feed(null);
    else
      for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) this.lab.feed(line.endsWith('\n') ? line : `${line}\n`);
  }
  /** Ctrl-C: ends what runs, or the line that was begun. */
  interrupt(): void {
    const { lab } = this;
    if (!lab.isWaiting) return lab.interrupt();
    lab.interrupted = true;
    lab.feed('\n');
  }
  /** What Tab finds at the end of a line. */
  complete(line: string): Completion {
    return complete(this.lab, line);
  }
  /** Until the shell has ended or waits for a line. */
  async run(): Promise<void> {
    const { lab } = this;
    while (lab.exitCode === undefined && !lab.isWaiting && lab.machine.halted === undefined) {
      for (const request of lab.requests.splice(0)) void this.start(request);
      for (const request of takeModuleRequests(lab.machine)) request.answer = await this.loadModule(request.path);
      if (this.running === 0) lab.step();
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (lab.machine.halted !== undefined) lab.options.print(`${lab.machine.halted}\n`);
  }
  private async start(request: HostRequest): Promise<void> {
    this.running += 1;
    const [name = ''] = request.argv;
    const code = (await this.commands[name.slice(name.lastIndexOf('/') + 1)]?.(request)) ?? 127;
    this.running -= 1;
    request.finish(code);
  }
}
export type { HostRequest, ModuleSource };
