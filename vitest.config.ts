import { defineConfig } from 'vitest/config';
import { NOT_IN_FIREFOX } from './tests/run/not-in-firefox.mjs';
import { ON_EJABBERD } from './tests/run/on-ejabberd.mjs';

const node = { environment: 'node' as const };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...node,
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/cross/**', 'tests/e2e/**', 'tests/interop/**'],
          // Thousands of curve operations take their time on a machine that does other things.
          testTimeout: 30_000,
          // One core less by default, which on two cores is half the speed.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          ...node,
          // The curve once more in JavaScript, which takes over where a browser lacks it.
          name: 'unit-fallback',
          include: [
            'tests/crypto/**/*.test.ts',
            ...['vectors', 'prekeys', 'ratchet-session'].map(
              (name) => `tests/omemo/${name}.test.ts`,
            ),
          ],
          exclude: ['tests/crypto/engine.test.ts', 'tests/crypto/wrapping.test.ts'],
          setupFiles: 'tests/support/no-web-crypto.ts',
          testTimeout: 30_000,
          maxWorkers: '100%',
        },
      },
      {
        test: {
          ...node,
          name: 'cross',
          include: ['tests/cross/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...node,
          name: 'e2e',
          include: ['tests/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          ...node,
          // The same scenarios once more.
          name: 'firefox',
          include: ['tests/e2e/**/*.test.ts'],
          exclude: Object.keys(NOT_IN_FIREFOX),
          env: { OMNEMO_BROWSER: 'firefox' },
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          ...node,
          // And on another server, where it matters which one.
          name: 'ejabberd',
          include: ON_EJABBERD,
          env: { OMNEMO_SERVER: 'ejabberd' },
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...node,
          name: 'interop',
          include: ['tests/interop/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
