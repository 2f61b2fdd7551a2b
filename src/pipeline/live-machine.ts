import type { VerifiedImage } from '../abi/verified-image.ts';
import type { Resources } from '../lang/resources.ts';
import { ENGINES } from '../runtime/engines.ts';
import { linkVariables } from '../runtime/kernel-variables.ts';
import { openSession, Session } from '../runtime/session.ts';
import { viewMap, type MapView } from './map-view.ts';
import type { EngineName } from './settings.ts';
import type { Simulation } from './simulation.ts';
import { Timeline, type TimelineView } from './timeline.ts';

/** A compiled script that is to be attached. */
export interface LiveScript {
  /** What the others are not called. */
  readonly name: string;
  readonly verified: VerifiedImage;
  readonly resources: Resources;
  /** Virtual time after which it is detached as by Ctrl-C; Infinity for never. */
  readonly durationNs: number;
}

export type OutputStream = 'stdout' | 'stderr';

/** What happens to scripts while they are attached. */
export interface LiveListener {
  output(name: string, stream: OutputStream, text: string): void;
  /** It was detached, its end probes have run and its maps are printed. */
  ended(name: string, exitCode: number): void;
}

/** How often a probe has fired. */
export interface ProbeHits {
  readonly probe: string;
  readonly hits: number;
}

export interface LiveProgramView {
  readonly name: string;
  readonly probes: readonly ProbeHits[];
  readonly maps: readonly MapView[];
}

interface LiveProgram {
  readonly session: Session;
  readonly untilNs: number;
  readonly probes: Map<string, { readonly probe: string; hits: number }>;
}

/** A machine that several scripts watch at once and that runs as far as it is told to. */
export class LiveMachine {
  readonly simulation: Simulation;
  readonly #engine: EngineName;
  readonly #listener: LiveListener;
  readonly #programs = new Map<string, LiveProgram>();
  readonly #timeline: Timeline;
  readonly #bootedNs: number;
  /** The machine is to stop when a probe fires. */
  #stepping = false;
  #fired = false;

  constructor(simulation: Simulation, engine: EngineName, listener: LiveListener) {
    this.simulation = simulation;
    this.#engine = engine;
    this.#listener = listener;
    this.#timeline = new Timeline(simulation);
    this.#bootedNs = simulation.kernel.now();
  }

  /** Virtual time since the machine was first looked at. */
  get elapsedNs(): number {
    return this.simulation.kernel.now() - this.#bootedNs;
  }
  get names(): readonly string[] {
    return [...this.#programs.keys()];
  }
  get isWatched(): boolean {
    return this.#programs.size > 0;
  }
  /** Its last words, when it has stopped for good. */
  get halted(): string | undefined {
    return this.simulation.kernel.halted;
  }

  /** Attaches a script beside those that are there. One that is over at once has ended when this returns. */
  attach({ name, verified, resources, durationNs }: LiveScript): void {
    const { kernel, seed } = this.simulation;
    const probes: LiveProgram['probes'] = new Map(
      resources.attachments.map(({ program, probeName }) => [program, { probe: probeName, hits: 0 }]),
    );
    const decoder = new TextDecoder();
    const session = openSession({
      image: verified.image,
      resources,
      programs: ENGINES[this.#engine](linkVariables(verified, kernel)),
      kernel,
      seed,
      format: 'text',
      output: {
        stdout: (bytes) => this.#listener.output(name, 'stdout', decoder.decode(bytes, { stream: true })),
        stderr: (text) => this.#listener.output(name, 'stderr', text),
      },
      onFire: (program) => {
        probes.get(program)!.hits++;
        if (!this.#stepping) return;
        this.#fired = true;
        kernel.stop();
      },
    });
    if (!(session instanceof Session)) {
      this.#listener.ended(name, session.exitCode);
      return;
    }
    if (session.isWaiting) this.#programs.set(name, { session, probes, untilNs: kernel.now() + durationNs });
    else this.#listener.ended(name, session.close());
  }

  /** Ends a script as Ctrl-C does. */
  detach(name: string): void {
    const program = this.#programs.get(name);
    if (program === undefined) return;
    this.#programs.delete(name);
    this.#listener.ended(name, program.session.close());
  }

  /** Runs for some virtual time, or until nobody watches any more or `isEnough` says so between two slices. */
  run(ns: number, isEnough: () => boolean): void {
    const { kernel } = this.simulation;
    const until = kernel.now() + ns;
    while (this.isWatched && kernel.now() < until && !isEnough()) {
      let next = this.#timeline.sampleAt(until);
      for (const { untilNs } of this.#programs.values()) if (untilNs < next) next = untilNs;
      kernel.run(next);
      this.#timeline.sample();
      this.#endWhatIsOver();
    }
  }

  /** Runs until a probe fires, at most for so long; whether one did. */
  step(limitNs: number, isEnough: () => boolean): boolean {
    this.#stepping = true;
    this.#fired = false;
    this.run(limitNs, () => this.#fired || isEnough());
    this.#stepping = false;
    return this.#fired;
  }

  programs(): readonly LiveProgramView[] {
    return [...this.#programs].map(([name, { session, probes }]) => ({
      name,
      probes: [...probes.values()].map((row) => ({ ...row })),
      maps: session.readMaps().map(viewMap),
    }));
  }

  timeline(columns: number): TimelineView {
    return this.#timeline.view(columns);
  }
  /** A column of the timeline from now on. */
  set sampleNs(ns: number) {
    this.#timeline.restart(ns);
  }

  file(path: string): string {
    return new TextDecoder().decode(this.simulation.kernel.readFile(path) ?? new Uint8Array());
  }

  #endWhatIsOver(): void {
    const now = this.simulation.kernel.now();
    for (const [name, { session, untilNs }] of this.#programs)
      if (now >= untilNs || session.isOver()) this.detach(name);
  }
}
