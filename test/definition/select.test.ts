import { expect, test } from 'vitest';
import { workflowFor } from '../../src/definition/select.js';

const own = ['migrate-db', 'hotfix'];

test.each([
  [{ type: 'hotfix' }, 'hotfix'],
  [{ task_type: 'feature' }, 'feature'],
  [{ type: 'migrate-db', title: 'urgent' }, 'migrate-db'],
  [{ type: 'enhancement' }, 'feature'],
  [{ type: 'Emergency' }, 'hotfix'],
  [{ type: 'analysis' }, 'project-loop'],
  [{ title: 'Urgent: the cart loses items' }, 'hotfix'],
  [{ title: 'Cart', description: 'a new feature for gifts' }, 'feature'],
  [{ title: 'Repair the cart' }, 'project-loop'],
])('the workflow for %j is %s', (task, workflow) => {
  expect(workflowFor(task, own).workflow).toBe(workflow);
});

test('says why', () => {
  expect(workflowFor({ type: 'hotfix' }, own).because).toBe('the task\'s type is "hotfix"');
  expect(workflowFor({ title: 'critical bug' }, own).because).toBe('the task says "critical"');
});

test('a task that says nothing is for no workflow', () => {
  expect(() => workflowFor({ priority: 1 }, own)).toThrow('name a workflow, or give a task');
});
