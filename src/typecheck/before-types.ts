import type { Program } from '../ast/nodes.ts';
import { checkCalls } from './calls.ts';
import type { Pass, PassContext } from './context.ts';
import { checkMapAssignments } from './map-assignments.ts';
import { checkVariables } from './variables.ts';

/** Several checks in one pass, so that a mistake with variables does not hide one with calls. */
export const checkBeforeTypes: Pass = {
  name: 'variables and calls',
  run(program: Program, context: PassContext): Program {
    checkVariables(program, context);
    checkMapAssignments(program, context);
    checkCalls(program, context);
    return program;
  },
};
