import { Box } from '@mui/material';

import type { OperationReport } from '../../api/identity';
import { fieldName, visible, word } from '../../format/text';
import { count } from '../../format/units';

interface Props {
  report: OperationReport;
  /** Fields of which the other value goes on. */
  prefer: string[];
  /** Absent when there is nothing to choose any more. */
  onPrefer?: (prefer: string[]) => void;
}

const told = (value: unknown): string => (value === null || value === undefined ? 'nothing' : typeof value === 'string' ? visible(value) : JSON.stringify(value));

const FATES: Record<string, string> = { speaks: 'goes on speaking for it', moves: 'moves with it', succeeded: 'is succeeded by another and revoked' };

const rows = (moved: Record<string, number>): string => Object.entries(moved).map(([what, number]) => `${count(number)} ${fieldName(what).toLowerCase()}`).join(', ');

/** What an operation does, or would do: nothing happens that was not told here. */
export function ReportView({ report, prefer, onPrefer }: Props) {
  const { agents = [], conflicts = [], left = [], moved = {}, refusals = [], stayed = {}, values = [] } = report;
  // What was chosen is told as a value that is taken over; it stays a choice.
  const chosen = (resourceType?: string, field?: string): boolean => resourceType === 'compute' && prefer.includes(field ?? '');
  return (
    <Box role="status" aria-label="What it comes to" sx={{ display: 'grid', gap: 2, border: 1, borderColor: 'divider', borderRadius: 1, p: 3 }}>
      <Box sx={{ fontWeight: 560 }}>{visible(report.summary ?? '')}</Box>
      {refusals.map((refusal) => (
        <Box key={refusal} role="alert" sx={{ color: 'orx.bad' }}>
          {visible(refusal)}
        </Box>
      ))}
      {Object.keys(moved).length > 0 && <Box>Moves: {rows(moved)}.</Box>}
      {Object.keys(stayed).length > 0 && <Box sx={{ color: 'text.secondary' }}>Stays where it is, because the other has the same: {rows(stayed)}.</Box>}
      {agents.map((agent) => (
        <Box key={agent.agentId}>
          The agent <bdi>{visible(agent.hostname ?? '')}</bdi> {FATES[agent.fate ?? ''] ?? agent.fate}.
        </Box>
      ))}
      {values
        .filter((value) => !chosen(value.resourceType, value.field))
        .map((value) => (
          <Box key={`${value.resourceType}${value.resourceId}${value.field}`}>
            {fieldName(value.field ?? '')} becomes “<bdi>{told(value.value)}</bdi>”
            {value.insteadOf !== null && value.insteadOf !== undefined && (
              <>
                {' '}
                instead of “<bdi>{told(value.insteadOf)}</bdi>”
              </>
            )}
            .
          </Box>
        ))}
      {[...conflicts.map((conflict) => ({ ...conflict, mine: conflict.kept, theirs: conflict.other })), ...values.filter((value) => chosen(value.resourceType, value.field)).map((value) => ({ ...value, mine: value.insteadOf, theirs: value.value }))]
        .sort((one, other) => (one.field ?? '').localeCompare(other.field ?? ''))
        .map(({ field = '', resourceType = '', resourceId, mine, theirs }) => {
          const can = onPrefer && resourceType === 'compute';
          return (
            <Box key={`${resourceType}${resourceId}${field}`} component="fieldset" sx={{ border: 0, p: 0, m: 0, minWidth: 0 }}>
              <Box component="legend" sx={{ p: 0, color: 'text.secondary' }}>
                {word(resourceType)}: both have {fieldName(field).toLowerCase()}, and one can stay
              </Box>
              <Choice name={field} text={told(mine)} checked={!prefer.includes(field)} onChange={can ? () => onPrefer(prefer.filter((known) => known !== field)) : undefined} />
              <Choice name={field} text={told(theirs)} checked={prefer.includes(field)} onChange={can ? () => onPrefer([...prefer, field]) : undefined} />
            </Box>
          );
        })}
      {left.map((text) => (
        <Box key={text} sx={{ color: 'orx.warn' }}>
          {visible(text)}
        </Box>
      ))}
    </Box>
  );
}

function Choice({ name, text, checked, onChange }: { name: string; text: string; checked: boolean; onChange?: (() => void) | undefined }) {
  return (
    <Box component="label" sx={{ display: 'flex', gap: 2, alignItems: 'center', minHeight: 26, overflowWrap: 'anywhere' }}>
      <input type="radio" name={`prefer-${name}`} checked={checked} disabled={!onChange} onChange={() => onChange?.()} />
      <bdi>{text}</bdi>
    </Box>
  );
}
