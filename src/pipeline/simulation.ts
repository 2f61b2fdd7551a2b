import { ABIS, type AbiName } from '../btf/abi/abis.ts';
import { overlayTypeSets } from '../btf/type-set.ts';
import type { TypeSet } from '../btf/types.ts';
import type { KernelFunction, Target } from '../lang/target.ts';
import { outsidePrograms, type ReadHostFile } from './outside-programs.ts';
import { isUntraceable } from '../lang/untraceable.ts';
import type { Kernel } from '../runtime/kernel.ts';
import { rawTracepointNames, rawTracepointParameters } from '../simkernel/kernel-types.ts';
import { cpuActivity, type CpuActivity } from '../simkernel/cpu/activity.ts';
import { ARCHITECTURES } from '../simkernel/arch/architectures.ts';
import { typesOf } from '../simkernel/arch/types.ts';
import { createMachine, type Machine } from '../simkernel/machine.ts';
import { TRACER_PID } from '../simkernel/machine-options.ts';
import {
  mappedFiles,
  processFiles,
  traceableFunction,
  traceableFunctions,
  userFile,
  userFiles,
} from '../simkernel/listing.ts';
import { isBlacklisted } from '../simkernel/probes/kprobes.ts';
import { KERNEL_PROFILES, type KernelProfile, type KernelProfileName } from '../simkernel/kernel-profiles.ts';
import { typesOfProfile } from '../simkernel/profile-types.ts';
import { SCENARIOS, type ScenarioName } from '../simkernel/scenarios/index.ts';
import type { Scenario } from '../simkernel/scenarios/scenario.ts';
import { syscalls } from '../simkernel/syscalls.ts';
import { listTracepoints, tracepointRecord } from '../simkernel/tracepoint-formats.ts';
import { KERNEL_MODULE } from '../lang/attach-target.ts';

export interface SimulationOptions {
  /** By name, or one's own. */
  readonly scenario: ScenarioName | Scenario;
  readonly seed: number;
  readonly cpus?: number;
  /** Types of a BTF file (BPFTRACE_BTF); they shadow the machine's. */
  readonly types?: TypeSet;
  /** --traceable-functions: other kernel functions cannot be probed. */
  readonly traceable?: ReadonlySet<string>;
  /** Programs of the host that scripts name by path; without it there are none. */
  readonly readHostFile?: ReadHostFile;
  /** Whose names its functions can be found under as well. */
  readonly kernel?: KernelProfileName;
  /** What the machine's CPUs are; what the scenario says by default. */
  readonly arch?: AbiName;
}

/** A machine, and what the compiler must know of it. */
export interface Simulation {
  readonly target: Target;
  /** Made when first asked for: listing and compiling need no running machine. */
  readonly kernel: Kernel;
  /** The same with all of its insides, for the lab's shell. */
  machine(): Machine;
  /** What its CPUs are doing; looking changes nothing. */
  activity(): readonly CpuActivity[];
  /** The scenario's length. */
  readonly durationNs: number;
  readonly seed: number;
}

const HIGH_SHIFT = 32n;

export function createSimulation(options: SimulationOptions): Simulation {
  const own = typeof options.scenario === 'string' ? SCENARIOS[options.scenario] : options.scenario;
  const { readHostFile } = options;
  const arch = options.arch ?? own.arch ?? 'x86_64';
  const scenario =
    readHostFile === undefined ? own : { ...own, outsideImage: outsidePrograms(readHostFile, ARCHITECTURES[arch]) };
  const cpus = options.cpus ?? scenario.cpus;
  const { types: ownTypes, kernel: kernelName = '7.2' } = options;
  const profile: KernelProfile = KERNEL_PROFILES[kernelName];
  let types: TypeSet | undefined;
  let functions: readonly KernelFunction[] | undefined;
  let kernel: Machine | undefined;
  const machine = (): Machine =>
    (kernel ??= createMachine({ scenario, seed: options.seed, cpus, profile: kernelName, arch }));
  const target: Target = {
    abi: ABIS[arch],
    // Decoded when first asked for: the smallest scripts need none.
    get types() {
      const own = typesOfProfile(profile.structs, typesOf(arch));
      return ownTypes === undefined ? own : (types ??= overlayTypeSets(ownTypes, own));
    },
    cpus,
    functions: () => (functions ??= withAliases(traceable(arch, options.traceable), arch, profile)),
    functionNamed: (name) => {
      const found = traceableFunction(ARCHITECTURES[arch], name);
      if (found !== undefined && mayTrace(name) && options.traceable?.has(name) !== false) return found;
      return Object.hasOwn(profile.functions, name) ? { name, module: KERNEL_MODULE } : undefined;
    },
    tracepoints: () => withOldTracepoints(listTracepoints(ARCHITECTURES[arch]), profile),
    tracepointRecord: (category, name) => {
      const [, known = name] = profile.tracepoints[`${category}:${name}`]?.split(':') ?? [];
      return tracepointRecord(category, known);
    },
    rawTracepoint: rawTracepointParameters,
    rawTracepoints: rawTracepointNames,
    userFiles: () => [...userFiles(scenario), ...Object.keys(profile.files)],
    userFile: (path) => userFile(scenario, profile.files[path] ?? path, ARCHITECTURES[arch]),
    // Of a machine that runs already, whatever process there is.
    processFiles: (pid) => (kernel === undefined ? undefined : mappedFiles(kernel, pid)) ?? processFiles(scenario, pid),
    syscalls: () =>
      syscalls().flatMap(({ name, number: declared }) => {
        const number = ARCHITECTURES[arch].systemCallNumber(declared);
        return number === undefined ? [] : [{ name, number }];
      }),
    kernelSymbol: (name) => {
      const address = machine().kernelSymbolAddress(name);
      return (
        address && (BigInt.asUintN(32, BigInt(address.high)) << HIGH_SHIFT) | BigInt.asUintN(32, BigInt(address.low))
      );
    },
    cgroupId: (path) => {
      const id = machine().cgroupId(path);
      return id === undefined ? undefined : BigInt(id);
    },
    tracerPid: TRACER_PID,
  };
  return {
    target,
    get kernel() {
      return machine();
    },
    machine,
    activity: () => cpuActivity(machine()),
    durationNs: scenario.lengthNs,
    seed: options.seed,
  };
}

/** The functions with those names of the profile that they do not have themselves. */
function withAliases(
  functions: readonly KernelFunction[],
  arch: AbiName,
  profile: KernelProfile,
): readonly KernelFunction[] {
  const added = Object.keys(profile.functions).filter(
    (name) => traceableFunction(ARCHITECTURES[arch], name) === undefined,
  );
  if (added.length === 0) return functions;
  const all = [...functions, ...added.map((name) => ({ name, module: KERNEL_MODULE }))];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}
function withOldTracepoints(
  events: ReturnType<typeof listTracepoints>,
  { tracepoints }: KernelProfile,
): ReturnType<typeof listTracepoints> {
  const added = Object.keys(tracepoints);
  if (added.length === 0) return events;
  const key = ({ category, name }: (typeof events)[number]): string => `${category}:${name}`;
  const all = added.map((event) => {
    const [category, name] = event.split(':');
    return { category: category!, name: name! };
  });
  return [...events, ...all].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** Neither left out by bpftrace nor on the kprobes' blacklist, which it leaves out, too. */
const mayTrace = (name: string): boolean => !isUntraceable(name) && !isBlacklisted(name);
const mayBeTraced = new Map<AbiName, readonly KernelFunction[]>();

function traceable(arch: AbiName, only: ReadonlySet<string> | undefined): readonly KernelFunction[] {
  const all = mayBeTraced.get(arch) ?? traceableFunctions(ARCHITECTURES[arch]).filter(({ name }) => mayTrace(name));
  mayBeTraced.set(arch, all);
  return only === undefined ? all : all.filter(({ name }) => only.has(name));
}
