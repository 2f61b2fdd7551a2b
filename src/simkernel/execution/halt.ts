/** Unwinds the machine's own stack when the kernel gives up: the CPU never comes back to what it was doing. */
export class MachineHalted extends Error {
  override readonly name = 'MachineHalted';
}
/** Unwinds it down to the task's entry: rewind_stack_and_make_dead. */
export class TaskDied extends Error {
  override readonly name = 'TaskDied';
  readonly signal: number;
  constructor(signal: number) {
    super('a task died in the kernel');
    this.signal = signal;
  }
}
