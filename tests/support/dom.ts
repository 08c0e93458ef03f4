// A plain XML DOM as the browser's globals, for tests in Node of code that parses stanzas. Import it first.
import { DOMParser, XMLSerializer } from '@xmldom/xmldom';

/** As strict as browsers are: what this DOM would only warn about is an error. */
class StrictParser extends DOMParser {
  constructor() {
    super({
      onError: (_level: string, message: string) => {
        // A legal character, which this DOM takes for a sign of a wrong encoding.
        if (!message.startsWith('Unicode replacement character')) throw new Error(message);
      },
    });
  }
}

/** Makes DOMParser and XMLSerializer global. */
export function installDom(): void {
  Object.assign(globalThis, { DOMParser: StrictParser, XMLSerializer });
}

installDom();
