import type { CSSProperties } from 'react';

/** Line icons on a grid of 24, drawn for this product. */
const PATHS = {
  tree: 'M5 4h5v4H5zM14 10h5v4h-5zM14 16h5v4h-5zM7.500 8v10H14M7.500 12H14',
  layers: 'M12 4l8 4-8 4-8-4zM4 12l8 4 8-4M4 16l8 4 8-4',
  robot: 'M6 9h12v9H6zM12 9V5M9.500 13v1.500M14.500 13v1.500M3.500 12v4M20.500 12v4',
  search: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500L20 20',
  code: 'M9 7l-5 5 5 5M15 7l5 5-5 5',
  chart: 'M4 20V4M4 20h16M8 16v-5M12 16V8M16 16v-3',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.500v5M9 14.500v5',
  chevron: 'M9 6l6 6-6 6',
  down: 'M6 9l6 6 6-6',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  plus: 'M12 5v14M5 12h14',
  edit: 'M5 19l1-4L16 5l3 3L9 18zM14 7l3 3',
  trash: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.500l3 2',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v2M12 19v2M3 12h2M19 12h2M5.600 5.600l1.400 1.400M17 17l1.400 1.400M18.400 5.600L17 7M7 17l-1.400 1.400',
  moon: 'M19 14.500A8 8 0 0 1 9.500 5a7.500 7.500 0 1 0 9.500 9.500z',
  columns: 'M4 5h16v14H4zM10 5v14M15 5v14',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  refresh: 'M19 8a8 8 0 1 0 1 5M19.500 3.500V8H15',
  user: 'M12 5a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM5 20c.500-4 3.500-5.500 7-5.500s6.500 1.500 7 5.500',
  undo: 'M8 5L4 9l4 4M4 9h10a5.500 5.500 0 0 1 0 11h-4',
  play: 'M7 5l11 7-11 7z',
  key: 'M8 12a4 4 0 1 0 0 .010zM12 12h9M18 12v4M15 12v3',
  merge: 'M6 4v5c0 4 6 3 6 7v4M18 4v5c0 4-6 3-6 7',
  split: 'M12 4v5c0 4-6 3-6 7v4M12 9c0 4 6 3 6 7v4',
  expand: 'M7 9l5-5 5 5M7 15l5 5 5-5',
  collapse: 'M7 4l5 5 5-5M7 20l5-5 5 5',
  partner: 'M4 20V9l8-5 8 5v11zM9 20v-6h6v6',
  cloud: 'M7 18a4 4 0 0 1 0-8 5.500 5.500 0 0 1 10.500 1.500A3.300 3.300 0 0 1 17 18z',
  region: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM4 12h16M12 4c3 2.500 3 13.500 0 16M12 4c-3 2.500-3 13.500 0 16',
  availability_zone: 'M12 20c4-5 6-7.500 6-10.500a6 6 0 0 0-12 0C6 12.500 8 15 12 20zM12 7.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  datacenter: 'M4 5h16v6H4zM4 13h16v6H4zM7 8h2M7 16h2',
  compute: 'M4 5h16v11H4zM9 20h6M12 16v4',
  container: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9',
  process: 'M8 8h8v8H8zM12 3v5M12 16v5M3 12h5M16 12h5',
  workload: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9',
  tag: 'M4 4h8l8 8-8 8-8-8zM8 8v.010',
  environment: 'M12 4l8 4-8 4-8-4zM4 12l8 4 8-4M4 16l8 4 8-4',
  agent: 'M12 13a1.500 1.500 0 1 0 0 .010zM8.500 16.500a5 5 0 0 1 0-7M15.500 9.500a5 5 0 0 1 0 7M5.500 19a9 9 0 0 1 0-12.500M18.500 6.500a9 9 0 0 1 0 12.500',
  k8s_namespace: 'M5 5h14v14H5zM9 9h6v6H9z',
} as const;

export type IconName = keyof typeof PATHS;

export const isIcon = (name: string): name is IconName => name in PATHS;

interface Props {
  name: IconName;
  size?: number;
  /** `quiet` for what only accompanies a text. */
  tone?: 'quiet' | 'faint' | 'accent';
  style?: CSSProperties;
}

/** Plain SVG: a table has hundreds of them. */
export function Icon({ name, size = 16, tone, style }: Props) {
  return (
    <svg className={tone ? `icon ${tone}` : 'icon'} aria-hidden viewBox="0 0 24 24" width={size} height={size} style={style}>
      <path d={PATHS[name]} />
    </svg>
  );
}
