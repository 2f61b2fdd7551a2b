import { debugFileNames } from '../object/debug-link.ts';
import { elfType } from '../object/program-file.ts';
import type { Architecture } from '../simkernel/arch/architecture.ts';
import type { Image } from '../simkernel/programs/image.ts';
import { programImage } from './program-image.ts';

/** A file of the host: its contents, and whether the user may execute it. */
export interface HostFile {
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}
/** Reads a file of the host; a relative path starts in the user's own directory. Undefined when there is none. */
export type ReadHostFile = (path: string) => HostFile | undefined;

/** Folders that every machine has for itself: what their files hold does not depend on the host. */
const MACHINE_FOLDERS = /^\/(bin|boot|dev|etc|lib|lib32|lib64|proc|run|sbin|sys|usr|var)(\/|$)/;
/** Where the user's own directory appears on the machine. */
const HOME = '/root/';

/** Programs of the host that scripts and commands name by a path, as images of the machine; each is read once. */
export function outsidePrograms(
  read: ReadHostFile,
  arch: Pick<Architecture, 'runsOutsidePrograms'>,
): (path: string) => Image | undefined {
  const images = new Map<string, Image | undefined>();
  return (path) => {
    if (!path.includes('/') || path.includes('*') || MACHINE_FOLDERS.test(path)) return undefined;
    const inside = normalize(path.startsWith('/') ? path : HOME + path);
    const onHost = path.startsWith(HOME) ? path.slice(HOME.length) : path;
    if (!images.has(inside)) images.set(inside, load(inside, onHost, read, arch));
    return images.get(inside);
  };
}

function load(
  inside: string,
  onHost: string,
  read: ReadHostFile,
  { runsOutsidePrograms }: Pick<Architecture, 'runsOutsidePrograms'>,
): Image | undefined {
  const file = read(onHost);
  if (file === undefined) return undefined;
  const type = elfType(file.bytes);
  // As bpftrace takes them: libraries, and what may be executed.
  if (type !== 'shared' && !(type === 'executable' && file.executable)) return undefined;
  const folder = onHost.slice(0, Math.max(0, onHost.lastIndexOf('/')));
  const image = programImage(inside, file.bytes, function* (link) {
    for (const name of debugFileNames(folder, link)) {
      const found = name === onHost ? undefined : read(name);
      if (found !== undefined) yield found.bytes;
    }
  });
  if (typeof image === 'string') return undefined;
  // Elsewhere it can be looked at only: its instructions are of another CPU.
  return runsOutsidePrograms ? image : { ...image, main: null };
}

/** Without `.` and `..`. */
function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
