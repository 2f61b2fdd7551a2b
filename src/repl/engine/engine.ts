import { complete } from '../complete/complete.ts';
import { parameterList } from '../complete/probes.ts';
import { compile, checkScript, type Compilation, type CompileInput } from '../../pipeline/compile.ts';
import { dump } from '../../pipeline/dump.ts';
import { listProbes } from '../../pipeline/list.ts';
import { LiveMachine } from '../../pipeline/live-machine.ts';
import type { DebugStage, EngineName } from '../../pipeline/settings.ts';
import type { Simulation } from '../../pipeline/simulation.ts';
import { bug } from '../../source/bug.ts';
import { renderDiagnostics } from '../../source/render.ts';
import { createSource } from '../../source/source.ts';
import type { EngineEvent, EngineRequest, Facts, MachinePane, MachineSettings } from '../protocol.ts';
import { factsOf, notesOf } from './notes.ts';
import { Pace } from './pace.ts';
import { programName } from './program-name.ts';
import { simulate } from './simulate.ts';

export interface EngineOptions {
  readonly settings: MachineSettings;
  readonly engine: EngineName;
  readonly unsafe: boolean;
  readonly env: CompileInput['env'];
  /** Seconds on the wall: virtual time keeps step with them. */
  readonly clock: () => number;
  readonly post: (event: EngineEvent) => void;
}

/** What a script is called in messages about it. */
const SCRIPT_NAME = 'stdin';
/** Host time that the machine gets before anybody else is asked, and how often what happened is told. */
const TURN_SECONDS = 0.008;
const FRAME_SECONDS = 0.08;
/** A probe that has not fired for so long is not waited for any longer. */
const LONGEST_STEP_NS = 10_000_000_000;
/** More of the timeline than any terminal is wide. */
const TIMELINE_COLUMNS = 200;

/** Compiles, completes and runs: everything that takes longer than a key may. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #pace: Pace;
  #settings: MachineSettings;
  /** For compiling; the machine that runs is made anew for each first program. */
  #simulation: Simulation;
  #live: LiveMachine | undefined;
  #facts: Facts | undefined;
  #pane: MachinePane | undefined;
  #columnNs: number | undefined;
  #framedAt = -Infinity;
  /** The last compilation: several panes ask for the same text. */
  #compiled: { readonly text: string; readonly compilation: Compilation } | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#simulation = mustSimulate(options.settings);
    this.#pace = new Pace(options.clock);
  }

  /** Whether the machine has something to do: `turn` is to be called again. */
  get isRunning(): boolean {
    return this.#live?.isWatched === true && !this.#pace.isPaused;
  }

  handle(request: EngineRequest): void {
    switch (request.kind) {
      case 'machine':
        return this.#makeMachine(request.settings);
      case 'check':
        return this.#check(request.id, request.text);
      case 'complete': {
        const found = complete(request.text, request.cursor, this.#simulation.target, this.#facts);
        return this.#post({ kind: 'completions', id: request.id, ...found });
      }
      case 'describe':
        return this.#describe(request.attachPoint);
      case 'stage':
        return this.#showStage(request.stage, request.text);
      case 'run':
        return this.#run(request.text, request.durationNs);
      case 'detach':
        this.#live?.detach(request.name);
        return this.#frame();
      case 'pause':
        return this.#pace.pause();
      case 'resume':
        return this.#pace.resume(this.#elapsedNs);
      case 'speed':
        return this.#pace.setFactor(request.factor, this.#elapsedNs);
      case 'step':
        return this.#step();
      case 'watch':
        this.#pane = request.pane;
        return this.#frame();
      case 'columns':
        this.#columnNs = request.ns;
        if (this.#live !== undefined) this.#live.sampleNs = request.ns;
    }
  }

  /** Lets the machine run for a few milliseconds; how long the caller may wait before the next turn. */
  turn(): number {
    const live = this.#live;
    if (live === undefined || !this.isRunning) return 0;
    const { clock } = this.#options;
    const end = clock() + TURN_SECONDS;
    const due = this.#pace.due(live.elapsedNs);
    if (due > 0) live.run(due, () => clock() >= end);
    if (clock() - this.#framedAt >= FRAME_SECONDS || !live.isWatched) this.#frame();
    return due > 0 ? 0 : TURN_SECONDS;
  }

  get #elapsedNs(): number {
    return this.#live?.elapsedNs ?? 0;
  }

  #post(event: EngineEvent): void {
    this.#options.post(event);
  }

  #makeMachine(settings: MachineSettings): void {
    const made = simulate(settings);
    if ('rendered' in made) return this.#post({ kind: 'machine-refused', rendered: made.rendered });
    for (const name of this.#live?.names ?? []) this.#live!.detach(name);
    this.#settings = settings;
    this.#simulation = made;
    this.#compiled = undefined;
    this.#live = undefined;
    this.#post({ kind: 'machine-made', settings, cpus: this.#simulation.target.cpus });
  }

  #input(text: string): CompileInput {
    const { unsafe, env } = this.#options;
    return {
      source: createSource(SCRIPT_NAME, text),
      target: this.#simulation.target,
      unsafe,
      ...(env === undefined ? {} : { env }),
    };
  }

  #check(id: number, text: string): void {
    const input = this.#input(text);
    const compilation = checkScript(input);
    this.#facts = factsOf(compilation) ?? this.#facts;
    const notes = notesOf(compilation.diagnostics, input.source);
    this.#post({ kind: 'checked', id, notes, ...(this.#facts === undefined ? {} : { facts: this.#facts }) });
  }

  #describe(attachPoint: string): void {
    const [probe, ...others] = listProbes(this.#simulation.target, attachPoint);
    const text =
      probe === undefined
        ? ''
        : others.length > 0
          ? `matches ${others.length + 1} probes`
          : parameterList(probe.parameters());
    this.#post({ kind: 'described', attachPoint, text });
  }

  #compile(text: string): Compilation {
    if (this.#compiled?.text === text) return this.#compiled.compilation;
    const compilation = compile({ ...this.#input(text), verifierLog: true, explain: true });
    this.#compiled = { text, compilation };
    return compilation;
  }

  #showStage(stage: DebugStage, text: string): void {
    const compilation = this.#compile(text);
    const source = createSource(SCRIPT_NAME, text);
    const shown = dump([stage], source, compilation);
    // Mistakes are shown where they are made; why the verifier refuses belongs to its log.
    const isRefused = compilation.generated !== undefined && compilation.verified === undefined;
    const rejection = isRefused ? renderDiagnostics(compilation.diagnostics) : '';
    const whole = [rejection, shown].filter((part) => part !== '').join('\n');
    this.#post({ kind: 'stage-shown', stage, text, shown: whole === '' ? undefined : whole });
  }

  #run(text: string, durationNs: number | undefined): void {
    const compilation = this.#compile(text);
    const { generated, verified, diagnostics, typed } = compilation;
    const notes = notesOf(diagnostics, createSource(SCRIPT_NAME, text));
    const rendered = renderDiagnostics(diagnostics);
    if (generated === undefined || verified === undefined || typed === undefined) {
      this.#post({ kind: 'refused', text, notes, rendered });
      return;
    }
    const live = this.#machineToRun();
    const name = programName(
      typed.probes.map(({ probeName }) => probeName),
      live.names,
    );
    this.#post({ kind: 'attached', name, text });
    if (rendered !== '') this.#post({ kind: 'output', name, stream: 'stderr', text: rendered });
    live.attach({
      name,
      verified,
      resources: generated.resources,
      durationNs: durationNs ?? this.#simulation.durationNs,
    });
    this.#frame();
  }

  /** What is run alone gets a machine that has just started, as with the command: same script, same output. */
  #machineToRun(): LiveMachine {
    if (this.#live?.isWatched === true) return this.#live;
    const live = new LiveMachine(mustSimulate(this.#settings), this.#options.engine, {
      output: (name, stream, text) => this.#post({ kind: 'output', name, stream, text }),
      ended: (name, exitCode) => this.#post({ kind: 'ended', name, exitCode, elapsedNs: this.#elapsedNs }),
    });
    if (this.#columnNs !== undefined) live.sampleNs = this.#columnNs;
    this.#pace.resume(0);
    this.#live = live;
    return live;
  }

  #step(): void {
    const live = this.#live;
    if (live?.isWatched !== true) return;
    this.#pace.pause();
    const fired = live.step(LONGEST_STEP_NS, () => false);
    this.#post({ kind: 'stepped', fired });
    this.#frame();
  }

  #frame(): void {
    const live = this.#live;
    if (live === undefined) return;
    this.#framedAt = this.#options.clock();
    const watched =
      this.#pane === 'interrupts'
        ? { interrupts: live.file('/proc/interrupts') }
        : this.#pane === 'timeline'
          ? { timeline: live.timeline(TIMELINE_COLUMNS) }
          : {};
    this.#post({ kind: 'frame', frame: { elapsedNs: live.elapsedNs, programs: live.programs(), ...watched } });
  }
}

/** Of settings that were found to be in order before. */
function mustSimulate(settings: MachineSettings): Simulation {
  const made = simulate(settings);
  return 'rendered' in made ? bug(made.rendered) : made;
}
