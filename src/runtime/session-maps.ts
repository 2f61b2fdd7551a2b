import type { Resources } from '../lang/resources.ts';
import type { LoadedImage } from './load.ts';

/** The `elapsed` builtin subtracts what this internal map holds: when the script started. */
export function startElapsed({ arena, maps }: LoadedImage, now: number): void {
  const map = maps.find(({ definition }) => definition.name === 'elapsed')?.location.array;
  if (map !== undefined) arena.view.setBigUint64(map.values, BigInt(Math.floor(now)), true);
}

/** Maps with a name in the script, in the order of their names. */
export function printedMaps(resources: Resources): number[] {
  return resources.maps
    .flatMap((map, index) => (map === undefined ? [] : [{ name: map.name, index }]))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ index }) => index);
}
