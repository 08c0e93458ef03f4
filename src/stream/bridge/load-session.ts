// Asks the worker to put session.js into this document. The worker looks at the sender, not at what is asked.

type SendMessage = (message: { readonly omnemo: 'load-session' }) => Promise<unknown>;

function isSend(value: unknown): value is SendMessage {
  return typeof value === 'function';
}

function field(owner: unknown, key: string): unknown {
  return typeof owner === 'object' && owner !== null ? Reflect.get(owner, key) : undefined;
}

/** Answers whether the document is protected; throws where the extension is gone or answers nothing it should. */
export async function loadSession(scope: object): Promise<boolean> {
  const api: unknown = Reflect.get(scope, 'browser') ?? Reflect.get(scope, 'chrome');
  const runtime = field(api, 'runtime');
  const send = field(runtime, 'sendMessage');
  if (!isSend(send)) throw new Error('the extension is gone');
  const protect = field(
    await Reflect.apply(send, runtime, [{ omnemo: 'load-session' }]),
    'protect',
  );
  if (typeof protect !== 'boolean') throw new Error('no answer of ours');
  return protect;
}
