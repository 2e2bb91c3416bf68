import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The collector replaces the number in the page it serves, see collector/src/web.rs.
const NONCE = '__NONCE__';

export default defineConfig({
  base: '/ui/',
  plugins: [react()],
  html: { cspNonce: NONCE },
  build: {
    target: 'es2022',
    // Nothing is inlined as data: the policy of the page allows scripts and fonts from the collector alone.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
  },
  server: {
    // A collector started with `deploy/quickstart` answers what the development server does not have.
    proxy: { '/api': 'http://127.0.0.1:7480' },
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: [],
  },
});
