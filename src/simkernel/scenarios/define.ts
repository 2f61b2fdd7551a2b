import { enqueueAtBoot } from '../tasks/process.ts';
import { CAPACITY_SECTORS, createAhciDisk } from '../devices/ahci.ts';
import type { Machine } from '../machine.ts';
import { createProcess, createTask, setProgram } from '../tasks/process.ts';
import { startAt } from '../functions/process.ts';
import { File } from '../fs/file.ts';
import type { Process } from '../tasks/process.ts';
import type { Scenario, ScenarioSpec } from './scenario.ts';

const FIRST_LETTER = 97;
/** The block groups of a hard disk that files are spread over, as ext4 does with directories. */
const FILE_GROUPS = 7;

/** Descriptors 0, 1 and 2 of a daemon. */
function openStandardFiles(m: Machine, process: Process): void {
  const dentry = m.fileSystem.find('/dev/null');
  if (dentry === undefined) return;
  const file = new File(m, m.fileSystem.root, dentry, O_RDWR);
  file.references = STANDARD_FILES;
  for (let fd = 0; fd < STANDARD_FILES; fd += 1) process.files.install(fd, file);
}
const O_RDWR = 2;
const STANDARD_FILES = 3;

/** Makes a scenario of its declaration: files and images are put in place and processes become runnable when the machine first runs. */
export function defineScenario(spec: ScenarioSpec): Scenario {
  return {
    ...spec,
    start(m: Machine) {
      spec.hardDisks?.forEach(({ mountedAt }, index) => {
        const disk = createAhciDisk(m, `sd${String.fromCharCode(FIRST_LETTER + index)}`, index);
        m.fileSystem.mountDisk(mountedAt, disk, 8 * Math.floor(CAPACITY_SECTORS / FILE_GROUPS / 8));
      });
      for (const { path, size, warm, text } of spec.files) {
        const inode = m.fileSystem.file(path, size, warm);
        if (text !== undefined) inode.contents = () => text.repeat(Math.ceil(size / text.length)).slice(0, size);
      }
      for (const device of spec.devices ?? []) device.start(m);
      for (const image of [...spec.images, ...spec.processes.map((process) => process.image)]) {
        if (m.images.has(image.path)) continue;
        m.images.set(image.path, image);
        m.fileSystem.file(image.path, 262_144, 1, 0o755);
      }
      spec.processes.forEach(({ pid, image, comm, argv, uid }, index) => {
        const { main } = image;
        if (main === null) throw new Error(`${image.path} is not a program`);
        const name = comm ?? image.path.slice(image.path.lastIndexOf('/') + 1);
        const task = createTask(m, { pid, comm: name, parent: m.tasks.get(1) ?? null, uid: uid ?? 0, gid: uid ?? 0 });
        const process = createProcess(m, task, image);
        openStandardFiles(m, process);
        setProgram(m, task, process, (u) => main(u, argv ?? [name]));
        startAt(task, m, () => 0);
        enqueueAtBoot(m, task, index % m.cpus);
      });
    },
  };
}
