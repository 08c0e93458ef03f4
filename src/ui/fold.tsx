// Something folded away until it needs the user. It opens by itself but never closes by itself: a decision must not make
// the list jump under the pointer.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** A foldable box, open while there is something to do and until the user closes it. */
export function Fold(props: {
  readonly summary: ComponentChildren;
  readonly isUrgent?: boolean;
  readonly testId?: string;
  readonly jid?: string;
  readonly children: ComponentChildren;
}) {
  const isUrgent = props.isUrgent === true;
  const [isOpen, setOpen] = useState(isUrgent);
  useEffect(() => {
    if (isUrgent) setOpen(true);
  }, [isUrgent]);
  return (
    <details
      class="contact"
      data-testid={props.testId}
      data-jid={props.jid}
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>{props.summary}</summary>
      {props.children}
    </details>
  );
}
