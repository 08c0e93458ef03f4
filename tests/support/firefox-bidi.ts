// Commands of WebDriver BiDi that puppeteer has no method for.
import type { Browser } from 'puppeteer-core';

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Sends one command; answers its result. */
export async function send(browser: Browser, method: string, params: object): Promise<unknown> {
  const connection = field(browser, 'connection');
  const command = field(connection, 'send');
  if (typeof command !== 'function') throw new TypeError('the browser does not speak BiDi');
  return field(await Reflect.apply(command, connection, [method, params]), 'result');
}

/** Evaluates an expression with the rights of Firefox itself; answers a primitive value. */
export async function privileged(browser: Browser, expression: string): Promise<unknown> {
  const tree = await send(browser, 'browsingContext.getTree', { 'moz:scope': 'chrome' });
  const contexts = field(tree, 'contexts');
  const context = Array.isArray(contexts) ? field(contexts[0], 'context') : undefined;
  if (typeof context !== 'string') throw new Error('Firefox shows no window of its own');
  const done = await send(browser, 'script.evaluate', {
    expression,
    target: { context },
    awaitPromise: true,
  });
  if (field(done, 'type') !== 'success')
    throw new Error(`Firefox refused ${expression}: ${JSON.stringify(done)}`);
  return field(field(done, 'result'), 'value');
}
