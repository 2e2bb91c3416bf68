import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import globals from 'globals';
import typescript from 'typescript-eslint';

// Names from hosts are hostile: nothing of them may become markup or code.
const UNSAFE = ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'write', 'writeln'].map((property) => ({
  property,
  message: 'What comes from a host is shown as text only.',
}));

export default typescript.config(
  { ignores: ['dist', 'e2e/output', 'src/api/schema.d.ts'] },
  js.configs.recommended,
  ...typescript.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ['src/**/*.{ts,tsx}'] })),
  {
    files: ['src/**/*.{ts,tsx}'],
    languageOptions: { globals: globals.browser, parserOptions: { project: './tsconfig.json' } },
    plugins: { 'react-hooks': hooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      'no-eval': 'error',
      'no-restricted-properties': ['error', ...UNSAFE],
      'no-restricted-syntax': [
        'error',
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'What comes from a host is shown as text only.' },
      ],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  { files: ['**/*.{js,mjs}'], languageOptions: { globals: globals.node } },
  // Parts of these run in the page.
  { files: ['e2e/**/*.mjs'], languageOptions: { globals: { ...globals.node, document: 'readonly', innerWidth: 'readonly', getComputedStyle: 'readonly', PerformanceObserver: 'readonly', MutationObserver: 'readonly', Element: 'readonly', performance: 'readonly' } } },
);
