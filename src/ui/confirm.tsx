// A second click for what cannot be taken back lightly: the question takes the place of the button.
import type { ComponentChildren } from 'preact';

/** A question with its two answers. */
export function Confirm(props: {
  readonly testId: string;
  readonly question: ComponentChildren;
  readonly yes: string;
  readonly isDangerous?: boolean;
  onYes(): void;
  onNo(): void;
}) {
  return (
    <div class="confirm" role="group" aria-label={props.yes}>
      <div>{props.question}</div>
      <div class="buttons">
        <button
          type="button"
          class={props.isDangerous === true ? 'danger' : 'primary'}
          data-testid={props.testId}
          onClick={() => props.onYes()}
        >
          {props.yes}
        </button>
        <button type="button" onClick={() => props.onNo()}>
          Cancel
        </button>
      </div>
    </div>
  );
}
