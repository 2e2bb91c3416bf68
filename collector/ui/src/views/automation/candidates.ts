// Candidates of a match, as the collector stored them: lists that newer versions may extend.

export interface Candidate {
  computeId: number;
  name: string;
  why: string[];
  whyNot: string[];
}

const words = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return [];
  return value.map((one: unknown) => {
    if (one === null || typeof one !== 'object') return String(one);
    const { evidence, fact, content, value: held, note, reason } = one as Record<string, unknown>;
    const told = [evidence ?? fact, content ?? held, note ?? reason].filter((part) => typeof part === 'string' && part !== '');
    return told.length > 0 ? told.join(' ') : JSON.stringify(one);
  });
};

export function candidatesOf(candidates: unknown): Candidate[] {
  if (!Array.isArray(candidates)) return [];
  return candidates.flatMap((one: unknown) => {
    if (typeof one === 'number') return [{ computeId: one, name: `compute ${one}`, why: [], whyNot: [] }];
    if (one === null || typeof one !== 'object') return [];
    const row = one as Record<string, unknown>;
    const id = Number(row.computeId ?? row.compute_id ?? row.id);
    if (!Number.isInteger(id)) return [];
    const name = row.name ?? row.computeName ?? row.hostname;
    return [
      {
        computeId: id,
        name: typeof name === 'string' && name !== '' ? name : `compute ${id}`,
        why: words(row.why ?? row.for ?? row.evidence ?? row.matched ?? row.facts),
        whyNot: words(row.whyNot ?? row.why_not ?? row.against ?? row.vetoes),
      },
    ];
  });
}
