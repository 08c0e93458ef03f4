// The extension API inside functions that run in the service worker.
declare const chrome: import('webextension-polyfill').Browser;
