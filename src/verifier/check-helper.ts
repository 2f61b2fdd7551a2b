import {
  HELPER_FUNCTIONS,
  helperKey,
  helperName,
  helperPrototype,
  isHelperNumber,
  isKernelFunction,
} from '../abi/known-helpers.ts';
import { MAP_FLAGS, MAP_TYPES, type MapType } from '../abi/map-types.ts';
import { type MapDefinition, PROGRAM_TYPES } from '../abi/program-image.ts';
import { heldFault } from './check-control.ts';
import { type Violation, violation } from './rejection.ts';
import type { Walk } from './walk.ts';
import { HELPER_FOR_EACH_MAP_ELEM, HELPER_TAIL_CALL } from './graph.ts';

/** Maps that only some helpers may use, and helpers that only work on some maps (by kernel names). */
const MAP_USERS: Partial<Record<MapType, readonly string[]>> = {
  prog_array: ['tail_call'],
  perf_event_array: ['perf_event_read', 'perf_event_output', 'skb_output', 'perf_event_read_value', 'xdp_output'],
  ringbuf: ['ringbuf_output', 'ringbuf_reserve', 'ringbuf_query'],
  stack_trace: ['get_stackid'],
  cgroup_array: ['skb_under_cgroup', 'current_task_under_cgroup'],
  array_of_maps: ['map_lookup_elem'],
  hash_of_maps: ['map_lookup_elem'],
  queue: ['map_peek_elem', 'map_pop_elem', 'map_push_elem'],
  stack: ['map_peek_elem', 'map_pop_elem', 'map_push_elem'],
  task_storage: ['task_storage_get', 'task_storage_delete'],
};
const HELPER_MAPS = new Map<string, readonly MapType[]>(
  Object.entries({
    tail_call: ['prog_array'],
    perf_event_read: ['perf_event_array'],
    perf_event_output: ['perf_event_array'],
    skb_output: ['perf_event_array'],
    xdp_output: ['perf_event_array'],
    perf_event_read_value: ['perf_event_array'],
    ringbuf_output: ['ringbuf'],
    ringbuf_reserve: ['ringbuf'],
    ringbuf_query: ['ringbuf'],
    get_stackid: ['stack_trace'],
    skb_under_cgroup: ['cgroup_array'],
    current_task_under_cgroup: ['cgroup_array'],
    task_storage_get: ['task_storage'],
    task_storage_delete: ['task_storage'],
    // Maps of devices, processors and AF_XDP sockets: none that we have.
    redirect_map: [],
    map_pop_elem: ['queue', 'stack'],
    map_peek_elem: ['queue', 'stack'],
    map_push_elem: ['queue', 'stack'],
    map_lookup_percpu_elem: ['percpu_array', 'percpu_hash', 'lru_percpu_hash'],
  }),
);

const CALLBACK_MAPS: ReadonlySet<MapType> = new Set<MapType>([
  'hash',
  'array',
  'percpu_hash',
  'percpu_array',
  'lru_hash',
  'lru_percpu_hash',
]);
const MAP_WRITERS: ReadonlySet<string> = new Set([
  'bpf_map_update_elem',
  'bpf_map_delete_elem',
  'bpf_map_push_elem',
  'bpf_map_pop_elem',
]);

function mapFault(id: number, map: MapDefinition): Violation | undefined {
  const name = helperKey(id) ?? '';
  const users = MAP_USERS[map.type];
  const maps = HELPER_MAPS.get(name);
  if ((users === undefined || users.includes(name)) && (maps === undefined || maps.includes(map.type)))
    return undefined;
  return violation('EINVAL', `cannot pass map_type ${MAP_TYPES[map.type].id} into func ${helperName(id)}#${id}`);
}

const GET_FUNC_IP = 173;

/** The helper exists, and programs of this type may call it. */
export function helperFault(w: Walk, id: number): Violation | undefined {
  const named = (): string => `${helperName(id)}#${id}`;
  if (!isHelperNumber(id)) return violation('EINVAL', `invalid func ${named()}`);
  const prototype = helperPrototype(id, w.program.type);
  const isMissing = prototype === undefined || (prototype.iterators === true && !isIterator(w.program));
  if (isMissing) return violation('EINVAL', `program of this type cannot use helper ${named()}`);
  if (prototype.sleeps === true) return violation('EINVAL', `sleepable helper ${named()} in non-sleepable prog`);
  const functions = HELPER_FUNCTIONS.get(helperKey(id) ?? '');
  if (functions === undefined) return undefined;
  const [kind, traced] = (w.program.attach ?? '').split('/');
  const isAllowed = kind === 'iter' || functions.includes(traced ?? '');
  return isAllowed ? undefined : violation('EINVAL', 'helper call is not allowed in probe');
}

/** The kernel function exists, and programs of this type, attached as this one is, may call it. */
export function kernelFunctionFault(w: Walk, id: number): Violation | undefined {
  if (!isKernelFunction(id)) return violation('EINVAL', 'invalid kernel function call not eliminated in verifier pass');
  const name = helperName(id);
  const prototype = helperPrototype(id, w.program.type);
  const isAllowed = prototype !== undefined && (prototype.kfunc?.sessions !== true || isSession(w.program));
  return isAllowed ? undefined : violation('EACCES', `calling kernel function ${name} is not allowed`);
}

const isIterator = ({ attach }: Walk['program']): boolean => attach?.startsWith('iter/') === true;
const isSession = ({ attach }: Walk['program']): boolean => attach?.startsWith('kprobe.session/') === true;

/** Whether a helper, on its map and in this program, does what its arguments alone do not tell. */
export function useFault(w: Walk, id: number, map: MapDefinition | undefined): Violation | undefined {
  if (map !== undefined && (map.flags & MAP_FLAGS.rdonly_prog) !== 0 && MAP_WRITERS.has(helperName(id))) {
    return violation('EACCES', 'write into map forbidden');
  }
  if (id === HELPER_TAIL_CALL) {
    if (map?.type !== 'prog_array') return violation('EINVAL', 'expected prog array map for tail call');
    return heldFault(w, 'tail_call');
  }
  if (id === HELPER_FOR_EACH_MAP_ELEM && !CALLBACK_MAPS.has(map!.type)) {
    return violation('ENOTSUPP', 'callback function not allowed for map');
  }
  if (id === GET_FUNC_IP && w.program.type !== 'kprobe' && w.program.type !== 'tracing') {
    const type = PROGRAM_TYPES[w.program.type].id;
    return violation('ENOTSUPP', `func ${helperName(id)}#${id} not supported for program type ${type}`);
  }
  return map === undefined ? undefined : mapFault(id, map);
}
