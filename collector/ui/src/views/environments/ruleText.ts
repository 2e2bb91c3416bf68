// Rules in words.

import type { Condition, Rule } from '../../api/environments';

/** What a condition looks at, as people say it. */
export const EVIDENCE: Record<string, string> = {
  label: 'label',
  tag: 'tag',
  composeProject: 'compose project',
  namespace: 'namespace',
  unit: 'unit',
  user: 'user',
  hostName: 'host name',
  vhostDomain: 'domain of a virtual host',
  image: 'image',
  workloadName: 'workload name',
  workloadType: 'workload type',
  computeName: 'compute name',
};

export const OPERATORS: Record<string, string> = {
  equals: 'is',
  in: 'is one of',
  contains: 'contains',
  prefix: 'begins with',
  suffix: 'ends with',
  glob: 'fits',
  regex: 'matches',
};

export const hasKey = (evidence: string): boolean => evidence === 'label' || evidence === 'tag';

/** What a rule gives: an environment, or tags. */
export const givesText = (rule: Pick<Rule, 'kind' | 'environmentCode' | 'tags'>): string =>
  rule.kind === 'tag' ? Object.entries(rule.tags ?? {}).map(([key, value]) => `${key}=${value}`).join(' ') : (rule.environmentCode ?? '');

/** A rule's conditions in words; those that differ in what they look at only are told together. */
export function conditionsText(rule: Pick<Rule, 'kind' | 'environmentCode' | 'otherCode' | 'conditions' | 'match'>): string {
  if (rule.kind === 'separate') return `keeps ${rule.environmentCode ?? '?'} and ${rule.otherCode ?? '?'} apart`;
  const either = rule.match === 'all' ? ' and ' : ' or ';
  const groups = new Map<string, Map<string, string[]>>();
  for (const condition of rule.conditions) {
    const said = `${OPERATORS[condition.operator] ?? condition.operator} ${condition.values.join(', ')}`;
    const subjects = groups.get(said) ?? new Map<string, string[]>();
    groups.set(said, subjects);
    const name = EVIDENCE[condition.evidence] ?? condition.evidence;
    subjects.set(name, [...(subjects.get(name) ?? []), ...(condition.key ? [condition.key] : [])]);
  }
  return [...groups].map(([said, subjects]) => `${[...subjects].map(([name, keys]) => subject(name, keys)).join(either)} ${said}`).join(either);
}

const subject = (name: string, keys: string[]): string => (keys.length === 0 ? name : `${name} ${keys.join('/')}`);

/** A condition that somebody still writes. */
export const NEW_CONDITION: Condition = { evidence: 'label', key: 'environment', operator: 'in', values: [] };

/** A tag that somebody still writes. */
export interface TagRow {
  key: string;
  value: string;
}

/** The tags of a rule, row by row; one empty row where there are none. */
export function shownTags(tags: Record<string, string> | undefined): TagRow[] {
  const rows = Object.entries(tags ?? {}).map(([key, value]) => ({ key, value }));
  return rows.length > 0 ? rows : [{ key: '', value: '' }];
}
