import { imageAt } from '../listing.ts';
import type { Machine } from '../machine.ts';
import { imageSize, type Image } from './image.ts';

const EXECUTABLE_MODE = 0o755;

/** The program that a path names on a running machine; one from outside gets a file when it is first asked for. */
export function executableAt(m: Machine, path: string): Image | undefined {
  const known = m.images.get(path);
  if (known !== undefined) return known;
  const outside = m.scenario.outsideImage?.(path);
  return outside === undefined ? undefined : putInPlace(m, outside);
}

/** Makes an image's file, where there is none yet. */
export function putInPlace(m: Machine, image: Image, size = imageSize(image)): Image {
  m.images.set(image.path, image);
  if (m.fileSystem.find(image.path) === undefined) m.fileSystem.file(image.path, size, 1, EXECUTABLE_MODE);
  return image;
}

/** The same for whoever only reads files, running or not. */
export function fileImage(m: Machine, path: string): Image | undefined {
  return m.images.get(path) ?? imageAt(m.scenario, path);
}
