import type { CSSProperties } from 'react';

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
  const share = badge.share === null || badge.share === undefined ? (shared ? ' ?' : '') : badge.share < 100 || shared ? ` ${Math.round(badge.share)} %` : '';
  const why = badge.reason ?? `its own, ${ORIGINS[badge.origin] ?? badge.origin}`;
  const hint = `${visible(badge.name)}: ${visible(why)}${badge.primary ? ', the main one' : ''}`;
  return (
    <span className={badge.inherited ? 'badge inherited' : 'badge'} style={{ '--hue': hueOf(badge.id) } as CSSProperties} data-hint={hint}>
      <i />
      <bdi>{visible(badge.code)}</bdi>
      {share}
    </span>
  );
}

export function EnvironmentBadges({ badges, most = 3 }: { badges: Badge[]; most?: number }) {
  const shared = badges.length > 1;
  return (
    <span className="badges">
      {badges.slice(0, most).map((badge) => (
        <EnvironmentBadge key={badge.id} badge={badge} shared={shared} />
      ))}
      {badges.length > most && (
        <span className="quiet" data-hint={badges.slice(most).map((badge) => visible(badge.code)).join(', ')}>
          +{badges.length - most}
        </span>
      )}
    </span>
  );
}
