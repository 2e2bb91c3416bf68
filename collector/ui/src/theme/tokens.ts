// Colours by meaning. The status colours differ in lightness as well as in hue and always come with a shape, so that
// nobody needs to tell red from green.

export interface Palette {
  ground: string;
  surface: string;
  raised: string;
  line: string;
  text: string;
  quiet: string;
  accent: string;
  accentText: string;
  selected: string;
  hover: string;
  well: string;
  warn: string;
  bad: string;
  unknown: string;
  glow: string;
}

export const LIGHT: Palette = {
  ground: '#f4f6f8',
  surface: '#ffffff',
  raised: '#ffffff',
  line: '#dfe4ea',
  text: '#17202c',
  quiet: '#566376',
  accent: '#2a5fc4',
  accentText: '#ffffff',
  selected: '#e4edfc',
  hover: '#f0f3f7',
  well: '#08776a',
  warn: '#8f5c00',
  bad: '#b63a12',
  unknown: '#667386',
  glow: '#fff2c4',
};

export const DARK: Palette = {
  ground: '#0d1117',
  surface: '#141a22',
  raised: '#1a212b',
  line: '#28313c',
  text: '#e3e9f1',
  quiet: '#97a4b5',
  accent: '#7fadff',
  accentText: '#0b1220',
  selected: '#1c2f4d',
  hover: '#1b232d',
  well: '#45c4ae',
  warn: '#e8b04b',
  bad: '#ff9169',
  unknown: '#8a98aa',
  glow: '#4b4014',
};

/** Environments in the order of their ids: eight hues that stay apart for the colour-blind (after Okabe and Ito). */
export const ENVIRONMENT_HUES = ['#3b82c4', '#d98a1f', '#2a9d82', '#b5599a', '#c75a34', '#5a6fd6', '#8a8f2e', '#4fb0d9'];

export const SIZES = { tiny: 11, small: 12, body: 13, lead: 15, title: 18, display: 24 } as const;
export const ROW = 30;
export const MONO = '"JetBrains Mono Variable", ui-monospace, "SFMono-Regular", Menlo, monospace';
export const SANS = '"Inter Variable", system-ui, -apple-system, "Segoe UI", sans-serif';
