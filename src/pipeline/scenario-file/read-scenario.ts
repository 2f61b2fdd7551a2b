import { ABIS, type AbiName } from '../../btf/abi/abis.ts';
import { isMap, isNode, LineCounter, parseDocument } from 'yaml';
import type { Diagnostic } from '../../source/diagnostic.ts';
import { hasErrors, template } from '../../source/diagnostic.ts';
import { createSource } from '../../source/source.ts';
import { FILE_SYSTEM_TYPES } from '../../simkernel/fs/types.ts';
import { stepsImage } from '../../simkernel/programs/steps.ts';
import type { Image } from '../../simkernel/programs/image.ts';
import { defineScenario } from '../../simkernel/scenarios/define.ts';
import { DISK_KINDS } from '../../simkernel/scenarios/scenario.ts';
import type {
  ContainerSpec,
  DiskSpec,
  ProcessSpec,
  Scenario,
  ScenarioSpec,
} from '../../simkernel/scenarios/scenario.ts';
import { USERS } from '../../simkernel/tasks/users.ts';
import { containerName, containerOf, containers, containerSpecs } from './containers.ts';
import { devices } from './devices.ts';
import { faults } from './faults.ts';
import { files, fileSpecs } from './files.ts';
import { PROGRAMS } from './programs.ts';
import { duration, size } from './quantities.ts';
import {
  absolutePath,
  complain,
  listOf,
  optional,
  oneOf,
  oneOrMore,
  parsed,
  record,
  required,
  text,
  wholeNumber,
} from './schema.ts';
import type { Reading, RecordOf } from './schema.ts';
import { program } from './steps.ts';

const badYaml = template('scenario-yaml', 'error', (message: string) => message);

const MIB = 1_048_576;
const FIRST_PID = 1000;
const MOST_PROCESSES = 512;
const LEAST_MEMORY = 64 * MIB;
const MOST_MEMORY = 64 * 1024 * MIB;

const user = parsed('a user', `one of ${[...USERS.values()].join(', ')}`, (word) => {
  const known = [...USERS].find(([, name]) => name === word);
  return known?.[0] ?? (/^\d{1,9}$/.test(word) ? Number(word) : undefined);
});

const disk = record('a disk', {
  kind: required(oneOf(Object.keys(DISK_KINDS) as (keyof typeof DISK_KINDS)[])),
  mount: required(absolutePath),
  filesystem: optional(oneOf(FILE_SYSTEM_TYPES)),
});
const processShape = record('a process', {
  name: optional(text),
  program: optional(oneOf(Object.keys(PROGRAMS))),
  does: optional(program),
  arguments: optional(oneOrMore(text, 'words')),
  user: optional(user),
  pid: optional(wholeNumber(3, 32_767)),
  count: optional(wholeNumber(1, MOST_PROCESSES)),
  start: optional(duration),
  directory: optional(absolutePath),
  container: optional(containerName),
  cgroup: optional(absolutePath),
});
const programFile = record('a program', { path: required(absolutePath), does: required(program) });

const SCENARIO = {
  name: required(text),
  summary: optional(text),
  seed: optional(wholeNumber(0, 0xffff_ffff)),
  cpus: optional(wholeNumber(1, 64)),
  arch: optional(oneOf(Object.keys(ABIS) as AbiName[])),
  length: optional(duration),
  memory: optional(size),
  swap: optional(size),
  disks: optional(listOf(disk, 'disks')),
  devices: optional(devices),
  directories: optional(listOf(absolutePath, 'paths')),
  files: optional(files),
  containers: optional(containers),
  programs: optional(listOf(programFile, 'programs')),
  processes: required(listOf(processShape, 'processes')),
  faults: optional(faults),
};
const scenario = record('a scenario', SCENARIO);
type ScenarioFile = RecordOf<typeof SCENARIO>;

/** A scenario of the text of a YAML file, or what is wrong with it. */
export function readScenario(
  name: string,
  yaml: string,
): { readonly scenario?: Scenario; readonly diagnostics: readonly Diagnostic[] } {
  const source = createSource(name, yaml);
  const document = parseDocument(yaml, { lineCounter: new LineCounter(), prettyErrors: false });
  const reading: Reading = { source, diagnostics: [] };
  for (const { message, pos } of [...document.errors, ...document.warnings])
    reading.diagnostics.push(badYaml({ source, start: pos[0], end: Math.max(pos[1], pos[0] + 1) }, message));
  if (hasErrors(reading.diagnostics)) return { diagnostics: reading.diagnostics };
  const { contents } = document;
  if (!isNode(contents) || !isMap(contents))
    return { diagnostics: [badYaml(undefined, `${name} holds no keys and values: start with 'name: …'`)] };
  const file = scenario(contents, reading);
  const processes = file === undefined ? undefined : processesOf(file, contents, reading);
  const inside = containerSpecs(file?.containers ?? [], reading);
  if (file === undefined || processes === undefined || hasErrors(reading.diagnostics))
    return { diagnostics: reading.diagnostics };
  return { scenario: defineScenario(specOf(file, processes, inside)), diagnostics: reading.diagnostics };
}

function specOf(file: ScenarioFile, processes: readonly ProcessSpec[], inside: readonly ContainerSpec[]): ScenarioSpec {
  return {
    name: file.name,
    summary: file.summary ?? file.name,
    seed: file.seed ?? 1,
    cpus: file.cpus ?? 4,
    ...(file.arch === undefined ? {} : { arch: file.arch }),
    lengthNs: file.length ?? 10e9,
    ...(file.memory === undefined ? {} : { memoryBytes: file.memory }),
    ...(file.swap === undefined ? {} : { swapBytes: file.swap }),
    disks: (file.disks ?? []).map(({ kind, mount, filesystem }): DiskSpec => ({
      kind,
      mountedAt: mount,
      ...(filesystem === undefined ? {} : { fileSystem: filesystem }),
    })),
    devices: file.devices ?? [],
    directories: file.directories ?? [],
    files: fileSpecs(file.files ?? []),
    containers: inside,
    images: [
      ...(file.programs ?? []).map(({ path, does }) => stepsImage(path, does)),
      ...processes.flatMap(({ image }) => imagesFor(image)),
    ],
    processes,
    faults: file.faults ?? [],
  };
}

/** What the built-in programs execute themselves. */
function imagesFor(image: Image): readonly Image[] {
  return Object.values(PROGRAMS).find((row) => row.image === image)?.runs ?? [];
}

/** Processes with their numbers; a count makes several of one row. */
function processesOf(
  file: ScenarioFile,
  contents: Parameters<typeof scenario>[0],
  reading: Reading,
): readonly ProcessSpec[] | undefined {
  if (file.memory !== undefined && (file.memory < LEAST_MEMORY || file.memory > MOST_MEMORY))
    complain(contents, reading, 'the memory must be from 64 MiB to 64 GiB');
  const taken = new Set(file.processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid])));
  let next = FIRST_PID;
  const processes = file.processes.flatMap((row, index): ProcessSpec[] => {
    const image = imageOf(row, index);
    if (typeof image === 'string') {
      complain(contents, reading, `process ${index + 1} ${image}`, "a process 'does' steps or runs a 'program'");
      return [];
    }
    const container =
      row.container === undefined ? undefined : containerOf(file.containers ?? [], row.container, reading);
    return Array.from({ length: row.count ?? 1 }, (_, copy): ProcessSpec => {
      while (taken.has(next)) next += 1;
      const pid = row.pid === undefined || copy > 0 ? next : row.pid;
      taken.add(pid);
      return {
        pid,
        image,
        ...(row.name === undefined ? {} : { comm: row.name }),
        ...(row.arguments === undefined ? {} : { argv: [image.path, ...row.arguments] }),
        ...(row.user === undefined ? {} : { uid: row.user }),
        ...(row.start === undefined ? {} : { startNs: row.start }),
        ...(row.directory === undefined ? {} : { directory: row.directory }),
        ...(container === undefined ? {} : { container }),
        ...(row.cgroup === undefined ? {} : { cgroup: row.cgroup }),
      };
    });
  });
  return processes.length > MOST_PROCESSES
    ? complain(contents, reading, `more than ${MOST_PROCESSES} processes`)
    : processes;
}

function imageOf(row: ScenarioFile['processes'][number], index: number): Image | string {
  const { does, program: known, name } = row;
  if (does !== undefined && known !== undefined) return "has both 'does' and 'program'";
  if (known !== undefined) return PROGRAMS[known]!.image;
  if (does === undefined) return "has neither 'does' nor 'program'";
  return stepsImage(`/usr/bin/${(name ?? `process${index + 1}`).replaceAll(/[^\w.+-]/g, '_')}`, does);
}
