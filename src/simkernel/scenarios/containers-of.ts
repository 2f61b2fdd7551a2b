import type { Dentry, Mount } from '../fs/file.ts';
import { names } from '../fs/file-system.ts';
import type { Layers } from '../functions/fs/overlayfs.ts';
import type { Machine } from '../machine.ts';
import { createContainerNamespaces } from '../tasks/namespaces.ts';
import type { Namespaces } from '../tasks/namespaces.ts';
import { LIBC } from '../programs/libc.ts';
import { PROGRAM_INTERPRETER } from '../programs/libraries.ts';
import type { ContainerSpec, FileSpec } from './scenario.ts';

/** Where a container's image, its changes and both of them together lie. */
const STORE = '/var/lib/docker/overlay2';

/** Programs of every image need them. */
const LIBRARIES: readonly FileSpec[] = [
  { path: PROGRAM_INTERPRETER, size: 236_616, warm: 1 },
  { path: '/etc/ld.so.cache', size: 8_214, warm: 1 },
  { path: LIBC.path.replace(/^\/usr/, ''), size: 2_003_408, warm: 1 },
];
const PROGRAM_BYTES = 262_144;

/** A container that processes may start in. */
export interface Container {
  readonly namespaces: Namespaces;
  readonly root: Mount;
  readonly cgroup: string;
}

/** Puts the layers of a container on top of each other, as a runtime does before it starts the first process. */
export function createContainer(m: Machine, spec: ContainerSpec, n: number): Container {
  const { fileSystem } = m;
  const [lower, upper] = [`${STORE}/${spec.image}/diff`, `${STORE}/${spec.id}/diff`];
  const root = fileSystem.mountOverlay(`${STORE}/${spec.id}/merged`);
  root.root.inode.channel = layersAt(m, lower, upper);
  for (const path of spec.directories ?? []) directoryAt(m, root, names(path), lower, upper);
  const programs = [...m.images.keys()].map((path): FileSpec => ({ path, size: PROGRAM_BYTES, warm: 1 }));
  const executable = new Set([...m.images.keys(), PROGRAM_INTERPRETER]);
  for (const { path, size, warm } of [...spec.files, ...programs, ...LIBRARIES]) {
    const parts = names(path);
    const name = parts.pop()!;
    const directory = directoryAt(m, root, parts, lower, upper);
    const real =
      fileSystem.find(`${lower}${path}`)?.inode ??
      fileSystem.file(`${lower}${path}`, size, warm, executable.has(path) ? 0o755 : undefined);
    const layers: Layers = { upper: null, lower: fileSystem.find(`${lower}${path}`)! };
    fileSystem.overlayEntry(directory, name, real, layers);
  }
  const namespaces = createContainerNamespaces(m, n, spec.id.slice(0, 12));
  const cgroup = `/system.slice/docker-${spec.id}.scope`;
  if (spec.io !== undefined) m.ioGroups.limit(m.cgroups.create(cgroup), spec.io);
  return { namespaces, root, cgroup };
}
function layersAt(m: Machine, lower: string, upper: string): Layers {
  return { upper: m.fileSystem.directory(upper), lower: m.fileSystem.directory(lower) };
}
/** A directory of the overlay, made with those above it in all layers. */
function directoryAt(m: Machine, root: Mount, parts: readonly string[], lower: string, upper: string): Dentry {
  let at = root.root;
  let path = '';
  for (const name of parts) {
    path += `/${name}`;
    const layers = layersAt(m, lower + path, upper + path);
    at = at.children.get(name) ?? m.fileSystem.overlayEntry(at, name, layers.lower!.inode, layers);
  }
  return at;
}
