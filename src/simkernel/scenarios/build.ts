import { HEADER_FILES, MAKE, SOURCE_FILES, TOOLCHAIN } from '../programs/images/build.ts';
import { defineScenario } from './define.ts';

const USER = 1000;

export const build = defineScenario({
  name: 'build',
  summary:
    'make -j5 on four CPUs: compilers, assemblers and a linker come and go, headers are looked for, temporary files live briefly',
  seed: 1,
  cpus: 4,
  lengthNs: 10_000_000_000,
  directories: ['/src/obj', '/tmp', '/usr/local/include'],
  files: [
    ...SOURCE_FILES.map((path, i) => ({ path, size: 4_000 + 1_900 * (i % 13), warm: i % 3 === 0 ? 0 : 1 })),
    ...HEADER_FILES.map((path, i) => ({ path, size: 6_000 + 2_600 * (i % 5) })),
    { path: '/src/Makefile', size: 2_400 },
  ],
  images: TOOLCHAIN,
  processes: [{ pid: 3_310, image: MAKE, uid: USER, directory: '/src' }],
});
