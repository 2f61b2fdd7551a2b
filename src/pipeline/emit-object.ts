import type { ProgramImage } from '../abi/program-image.ts';
import type { Resources } from '../lang/resources.ts';
import { mapKeyCType, mapValueCType } from '../lang/to-ctype.ts';
import { writeObject } from '../object/write-object.ts';
import { kernelTypes } from '../simkernel/kernel-types.ts';
import { bug } from '../source/bug.ts';
import { sectionsOf } from './attach-sections.ts';
import { DEFAULT_LICENSE } from './bpf-program.ts';

/** A compiled script as an object file that libbpf loads. */
export function emitObject(image: ProgramImage, resources: Resources): Uint8Array {
  const written = writeObject({
    programs: image.programs.map((program) => ({
      program,
      sections: resources.attachments
        .filter((row) => row.program === program.name)
        .flatMap(({ target }) => sectionsOf(target)),
    })),
    maps: image.maps,
    mapTypes: resources.maps.map((map) =>
      map === undefined ? undefined : { key: mapKeyCType(map.key, map.value), value: mapValueCType(map.value) },
    ),
    license: DEFAULT_LICENSE,
    kernelVariable: (id) => kernelTypes().perCpuVariable(id),
  });
  return written.ok ? written.bytes : bug(`an image that no object can hold: ${written.message}`);
}
