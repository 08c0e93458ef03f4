// A fingerprint as it is read aloud: eight groups in two rows.
import { fingerprintRows } from './format';

/** Shows a fingerprint; the text between the rows keeps it in one piece when copied. */
export function Fingerprint(props: { readonly fingerprint: string; readonly testId: string }) {
  const [first, second] = fingerprintRows(props.fingerprint);
  return (
    <code class="fingerprint" data-testid={props.testId}>
      {first} <wbr />
      {second}
    </code>
  );
}
