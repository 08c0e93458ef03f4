// Set-up of the test project that runs without WebCrypto, as a browser does outside secure contexts: JavaScript computes.
import { vi } from 'vitest';

const { crypto } = globalThis;
vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
