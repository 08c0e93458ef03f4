// What a step answers a peer's input with: the code of its error, or `ok`. Any other error is a bug and fails the test.
import { OmemoError } from '../../src/omemo/errors';

export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof OmemoError) return error.code;
    throw error;
  }
  return 'ok';
}
