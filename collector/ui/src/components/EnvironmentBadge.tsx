import { Box, Tooltip } from '@mui/material';

import type { Schemas } from '../api/client';
import { visible } from '../format/text';
import { ENVIRONMENT_HUES } from '../theme/tokens';

export type Badge = Schemas['EnvironmentBadge'];

export const hueOf = (environment: number): string => ENVIRONMENT_HUES[Math.abs(environment - 1) % ENVIRONMENT_HUES.length] ?? '#888888';

const ORIGINS: Record<string, string> = {
  person: 'set by a person',
  rule: 'inferred by a rule',
  legacy: 'from the existing inventory',
  measured: 'measured',
};

/** An environment: filled when it is the resource's own, outlined when it is inherited; with its share when it is shared. */
export function EnvironmentBadge({ badge, shared = false }: { badge: Badge; shared?: boolean }) {
  const hue = hueOf(badge.id);
  const share = badge.share === null || badge.share === undefined ? (shared ? ' ?' : '') : badge.share < 100 || shared ? ` ${Math.round(badge.share)} %` : '';
  const why = badge.reason ?? `its own, ${ORIGINS[badge.origin] ?? badge.origin}`;
  return (
    <Tooltip title={`${visible(badge.name)}: ${visible(why)}${badge.primary ? ', the main one' : ''}`}>
      <Box
        component="span"
        sx={{
          display: 'inline-flex',
          alignItems: 'center',
          gap: 1,
          height: 18,
          px: 1.5,
          borderRadius: 1,
          fontSize: 11,
          fontWeight: 560,
          whiteSpace: 'nowrap',
          maxWidth: 130,
          overflow: 'hidden',
          color: 'text.primary',
          border: '1px solid',
          borderStyle: badge.inherited ? 'dashed' : 'solid',
        }}
        style={{ borderColor: `color-mix(in srgb, ${hue} 70%, transparent)`, background: badge.inherited ? 'transparent' : `color-mix(in srgb, ${hue} 20%, transparent)` }}
      >
        <Box component="span" sx={{ width: 7, height: 7, borderRadius: '2px', flexShrink: 0 }} style={{ background: hue }} />
        <Box component="bdi" sx={{ overflow: 'hidden', textOverflow: 'ellipsis' }}>
          {visible(badge.code)}
        </Box>
        {share}
      </Box>
    </Tooltip>
  );
}

export function EnvironmentBadges({ badges, most = 3 }: { badges: Badge[]; most?: number }) {
  const shared = badges.length > 1;
  return (
    <Box component="span" sx={{ display: 'inline-flex', gap: 1, alignItems: 'center' }}>
      {badges.slice(0, most).map((badge) => (
        <EnvironmentBadge key={badge.id} badge={badge} shared={shared} />
      ))}
      {badges.length > most && (
        <Tooltip title={badges.slice(most).map((badge) => badge.code).join(', ')}>
          <Box component="span" sx={{ fontSize: 11, color: 'text.secondary' }}>
            +{badges.length - most}
          </Box>
        </Tooltip>
      )}
    </Box>
  );
}
