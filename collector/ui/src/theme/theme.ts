// Material UI with this product's colours, sizes and density.

import { createTheme } from '@mui/material/styles';

import { DARK, LIGHT, type Palette, SANS, SIZES } from './tokens';

declare module '@mui/material/styles' {
  interface Palette {
    orx: import('./tokens').Palette;
  }
  interface PaletteOptions {
    orx: import('./tokens').Palette;
  }
}

const scheme = (palette: Palette) => ({
  palette: {
    orx: palette,
    primary: { main: palette.accent, contrastText: palette.accentText },
    error: { main: palette.bad },
    warning: { main: palette.warn },
    success: { main: palette.well },
    info: { main: palette.accent },
    background: { default: palette.ground, paper: palette.surface },
    text: { primary: palette.text, secondary: palette.quiet },
    divider: palette.line,
    action: { hover: palette.hover, selected: palette.selected },
  },
});

export const theme = createTheme({
  cssVariables: { colorSchemeSelector: 'data-theme', cssVarPrefix: 'orx' },
  colorSchemes: { light: scheme(LIGHT), dark: scheme(DARK) },
  shape: { borderRadius: 6 },
  spacing: 4,
  typography: {
    fontFamily: SANS,
    fontSize: SIZES.body,
    htmlFontSize: 16,
    body1: { fontSize: SIZES.body, lineHeight: 1.5 },
    body2: { fontSize: SIZES.small, lineHeight: 1.45 },
    caption: { fontSize: SIZES.tiny, lineHeight: 1.4 },
    h1: { fontSize: SIZES.title, fontWeight: 620, lineHeight: 1.3, letterSpacing: '-0.01em' },
    h2: { fontSize: SIZES.lead, fontWeight: 620, lineHeight: 1.35 },
    h3: { fontSize: SIZES.body, fontWeight: 620, lineHeight: 1.4 },
    button: { fontSize: SIZES.body, fontWeight: 520, textTransform: 'none' },
  },
  transitions: { duration: { shortest: 80, shorter: 100, short: 120, standard: 140, complex: 180, enteringScreen: 120, leavingScreen: 100 } },
  components: {
    MuiButtonBase: { defaultProps: { disableRipple: true } },
    MuiButton: {
      defaultProps: { size: 'small', disableElevation: true },
      styleOverrides: { root: { minWidth: 0, padding: '3px 10px', lineHeight: 1.6 }, outlined: { borderColor: 'var(--orx-palette-divider)', '&:not(.MuiButton-colorError)': { color: 'var(--orx-palette-text-primary)' } } },
    },
    MuiIconButton: { defaultProps: { size: 'small' }, styleOverrides: { root: { borderRadius: 6, color: 'inherit' } } },
    MuiTextField: { defaultProps: { size: 'small', fullWidth: true } },
    MuiOutlinedInput: { styleOverrides: { root: { fontSize: SIZES.body }, notchedOutline: { borderColor: 'var(--orx-palette-divider)' } } },
    MuiInputLabel: { styleOverrides: { root: { fontSize: SIZES.body } } },
    MuiMenuItem: { styleOverrides: { root: { fontSize: SIZES.body, minHeight: 30 } } },
    MuiTooltip: {
      defaultProps: { enterDelay: 350, arrow: false },
      styleOverrides: { tooltip: { fontSize: SIZES.small, fontWeight: 400, background: '#1f2833', color: '#f0f3f7', maxWidth: 420, padding: '5px 9px' } },
    },
    MuiTabs: { styleOverrides: { root: { minHeight: 34 }, indicator: { height: 2 } } },
    MuiTab: { styleOverrides: { root: { minHeight: 34, padding: '6px 6px', minWidth: 0, fontSize: 12.5, fontWeight: 500 } } },
    MuiDialog: { styleOverrides: { paper: { backgroundImage: 'none', borderRadius: 10 } } },
    MuiPaper: { styleOverrides: { root: { backgroundImage: 'none' } } },
    MuiChip: { styleOverrides: { root: { height: 20, fontSize: SIZES.tiny, borderRadius: 4 } } },
  },
});

/**
 * Instead of Material UI's own baseline, which has rules for `*::before` and `*::after`: with them a browser works out
 * three styles for each element, and a table has thousands.
 */
export const baseline = {
  '*': { boxSizing: 'border-box' },
  html: { WebkitFontSmoothing: 'antialiased', MozOsxFontSmoothing: 'grayscale', WebkitTextSizeAdjust: '100%' },
  body: {
    margin: 0,
    overflow: 'hidden',
    backgroundColor: 'var(--orx-palette-background-default)',
    color: 'var(--orx-palette-text-primary)',
    fontFamily: SANS,
    fontSize: SIZES.body,
    lineHeight: 1.5,
    fontVariantNumeric: 'tabular-nums',
    fontFeatureSettings: '"cv05", "cv11"',
  },
  '#root': { height: '100dvh' },
  'a:not([class])': { color: 'var(--orx-palette-orx-accent)', textDecoration: 'none', '&:hover': { textDecoration: 'underline' } },
  '::selection': { background: 'var(--orx-palette-orx-selected)' },
  ':focus-visible': { outline: '2px solid var(--orx-palette-orx-accent)', outlineOffset: 1, borderRadius: 3 },
  '@media (prefers-reduced-motion: reduce)': { '*': { animationDuration: '0.01ms !important', transitionDuration: '0.01ms !important' } },
} as const;
