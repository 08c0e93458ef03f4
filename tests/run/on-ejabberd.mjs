// Files whose tests run a second time with ejabberd in the place of Prosody: what the server has a say in.

export const ON_EJABBERD = ['tests/e2e/bosh.test.ts', 'tests/e2e/chat.test.ts'];
