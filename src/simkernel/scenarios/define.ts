import { CAPACITY_SECTORS, createAhciDisk } from '../devices/ahci.ts';
import { createNvme } from '../devices/nvme.ts';
import { VECTORS } from '../cpu/descriptor-tables.ts';
import { post } from '../cpu/local-apic.ts';
import type { Disk } from '../block/disk.ts';
import { startJournal } from '../functions/fs/jbd2.ts';
import { createMirror } from '../functions/drivers/md.ts';
import { startAt } from '../functions/kernel/fork.ts';
import { startFlusher } from '../functions/mm/writeback.ts';
import { openedFile } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import { createProcess, createTask, enqueueAtBoot, setProgram } from '../tasks/process.ts';
import type { Process } from '../tasks/process.ts';
import { unitOf } from '../tasks/cgroups.ts';
import type { Cgroup } from '../tasks/cgroups.ts';
import { createContainer } from './containers-of.ts';
import type { Container } from './containers-of.ts';
import type { Image } from '../programs/image.ts';
import { placeModule } from '../modules/loader.ts';
import { scheduleFaults } from './faults.ts';
import type { DiskSpec, ProcessSpec, Scenario, ScenarioSpec } from './scenario.ts';
import { O_RDWR } from '../fs/fcntl.ts';
import { bug } from '../../source/bug.ts';

const FIRST_LETTER = 97;
/** The block groups of a hard disk that files are spread over, as ext4 does with directories. */
const FILE_GROUPS = 7;

/** Descriptors 0, 1 and 2 of a daemon. */
function openStandardFiles(m: Machine, process: Process): void {
  const dentry = m.fileSystem.find('/dev/null');
  if (dentry === undefined) return;
  const file = openedFile(m, m.fileSystem.root, dentry, O_RDWR);
  file.references = STANDARD_FILES;
  for (let fd = 0; fd < STANDARD_FILES; fd += 1) process.files.install(fd, file);
}
const STANDARD_FILES = 3;

function putLibrary(m: Machine, { path }: Image): void {
  if (m.fileSystem.find(path) === undefined) m.fileSystem.file(path, LIBRARY_BYTES, 1, 0o644);
}
const LIBRARY_BYTES = 1_048_576;

/** Makes a scenario of its declaration: files and images are put in place and processes become runnable when the machine first runs. */
export function defineScenario(spec: ScenarioSpec): Scenario {
  return {
    ...spec,
    start(m: Machine) {
      addDisks(m, spec.disks ?? []);
      for (const path of spec.directories ?? []) m.fileSystem.directory(path);
      for (const { path, size, warm, text } of spec.files) {
        const inode = m.fileSystem.file(path, size, warm);
        if (text !== undefined) inode.contents = () => text.repeat(Math.ceil(size / text.length)).slice(0, size);
      }
      for (const { path, size, source } of spec.modules ?? []) placeModule(m, path, source, size);
      for (const device of spec.devices ?? []) device.start(m);
      for (const image of [...spec.images, ...spec.processes.map((process) => process.image)]) {
        if (m.images.has(image.path)) continue;
        m.images.set(image.path, image);
        m.fileSystem.file(image.path, 262_144, 1, 0o755);
        for (const library of image.libraries ?? []) putLibrary(m, library);
      }
      const containers = new Map(
        spec.containers?.map((container, n) => [container.id, createContainer(m, container, n)]),
      );
      for (const process of spec.processes) cgroupOf(m, process, containers);
      spec.processes.forEach((process, index) => startProcess(m, process, index % m.cpus, containers));
      scheduleFaults(m, spec.faults ?? []);
    },
  };
}

/** Makes disks of each kind in their order, and numbers them. */
class DiskMaker {
  private readonly machine: Machine;
  private hardDisks = 0;
  private flashDisks = 1;
  private mirrors = 0;
  constructor(m: Machine) {
    this.machine = m;
  }
  hardDisk(): Disk {
    const disk = createAhciDisk(
      this.machine,
      `sd${String.fromCharCode(FIRST_LETTER + this.hardDisks)}`,
      this.hardDisks,
    );
    this.hardDisks += 1;
    return disk;
  }
  flashDisk(): Disk {
    const disk = createNvme(this.machine, `nvme${this.flashDisks}n1`, this.flashDisks);
    this.flashDisks += 1;
    return disk;
  }
  mirror(): Disk {
    const disk = createMirror(this.machine, this.mirrors, [this.hardDisk(), this.hardDisk()]);
    this.mirrors += 1;
    return disk;
  }
}
/** How each kind is made; files on hard disks lie apart, so that the arm moves. */
const MAKERS: Readonly<
  Record<
    DiskSpec['kind'],
    { readonly make: (maker: DiskMaker) => Disk; readonly gapSectors: number; readonly partition: string }
  >
> = {
  'hard-disk': {
    make: (maker) => maker.hardDisk(),
    gapSectors: 8 * Math.floor(CAPACITY_SECTORS / FILE_GROUPS / 8),
    partition: '1',
  },
  nvme: { make: (maker) => maker.flashDisk(), gapSectors: 0, partition: 'p1' },
  mirror: {
    make: (maker) => maker.mirror(),
    gapSectors: 8 * Math.floor(CAPACITY_SECTORS / FILE_GROUPS / 8),
    partition: '',
  },
};
function addDisks(m: Machine, disks: readonly DiskSpec[]): void {
  const maker = new DiskMaker(m);
  for (const { kind, mountedAt, fileSystem = 'ext4' } of disks) {
    const { make, gapSectors, partition } = MAKERS[kind];
    const disk = make(maker);
    const sb = m.fileSystem.mountDisk(mountedAt, disk, fileSystem, gapSectors, partition !== '');
    startFlusher(m, disk);
    if (fileSystem === 'ext4') startJournal(m, sb, `${disk.name}${partition}`);
  }
}

function nameOf({ comm, image: { path } }: ProcessSpec): string {
  return comm ?? path.slice(path.lastIndexOf('/') + 1);
}
type Containers = ReadonlyMap<string, Container>;
function containerOf({ container }: ProcessSpec, containers: Containers): Container | undefined {
  const found = container === undefined ? undefined : containers.get(container);
  if (container !== undefined && found === undefined) bug(`no container ${container}`);
  return found;
}
function cgroupOf(m: Machine, spec: ProcessSpec, containers: Containers): Cgroup {
  const path = spec.cgroup ?? containerOf(spec, containers)?.cgroup;
  return m.cgroups.create(path ?? unitOf(spec.uid ?? 0, nameOf(spec)));
}
function startProcess(m: Machine, spec: ProcessSpec, cpu: number, containers: Containers): void {
  const { pid, image, argv, uid = 0, startNs = 0 } = spec;
  const { main } = image;
  if (main === null) bug(`${image.path} is not a program`);
  const start = (): void => {
    const name = nameOf(spec);
    const cgroup = cgroupOf(m, spec, containers);
    const container = containerOf(spec, containers);
    const namespaces = container?.namespaces ?? m.namespaces;
    const parent = m.tasks.get(1) ?? null;
    const task = createTask(m, { pid, comm: name, parent, uid, gid: uid, cgroup, namespaces });
    const process = createProcess(m, task, image);
    if (container !== undefined) {
      task.fs?.setRoot(container.root, container.root.root);
      task.fs?.setDirectory(container.root, container.root.root);
    }
    const directory = spec.directory === undefined ? undefined : m.fileSystem.find(spec.directory);
    if (directory !== undefined) task.fs?.setDirectory(m.fileSystem.mountOf(directory), directory);
    openStandardFiles(m, process);
    setProgram(m, task, process, (u) => u.run(argv ?? [name]));
    startAt(task, m, () => 0);
    enqueueAtBoot(m, task, cpu);
  };
  if (startNs === 0) {
    start();
    return;
  }
  const at = m.now() + startNs;
  m.schedule(at, () => {
    start();
    post(m, m.cpuList[cpu]!, VECTORS.reschedule, at);
  });
}
