// A contact who wants to go on without encryption: only the user decides it.
import { shownText } from './format';

/** The question, with what they say; agreeing asks once more. */
export function OptOutQuestion(props: {
  readonly reason: string;
  onKeep(): void;
  onAgree(): void;
}) {
  return (
    <div class="alarm" role="alert" data-testid="opt-out">
      <p>
        This contact asks to go on without encryption. Nothing is sent to them until you decide.
        {props.reason !== '' && ` They say: “${shownText(props.reason)}”`}
      </p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          data-testid="opt-out-keep"
          onClick={() => props.onKeep()}
        >
          Keep encrypting
        </button>
        <button type="button" data-testid="opt-out-agree" onClick={() => props.onAgree()}>
          Send unencrypted…
        </button>
      </div>
    </div>
  );
}
