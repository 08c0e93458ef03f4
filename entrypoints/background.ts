// The vault's process. Every listener is registered synchronously, or an event that woke the worker would be lost.
import { defineBackground } from 'wxt/utils/define-background';
import { startVault } from '../src/vault/start';

export default defineBackground(() => startVault());
