// What happened to the vault as a whole: what came back from the second copy, and the user's decision about what did not (M78).
import { useState } from 'preact/hooks';
import type { HealthView } from '../rpc/popup-api';
import { Confirm } from './confirm';
import { DISCARD_WORDS, NOTICE_WORDS } from './health-words';
import type { Store } from './store';

/** What is lost, and the way to go on without it. */
function Damage(props: { readonly store: Store; readonly condition: 'partly' | 'lost' }) {
  const [isAsking, setAsking] = useState(false);
  const { store, condition } = props;
  const { title, detail, button, question } = DISCARD_WORDS[condition];
  return (
    <section class="status attention" data-testid="damage" data-condition={condition}>
      <div role="alert">
        <h1>{title}</h1>
        <p>{detail}</p>
      </div>
      {isAsking ? (
        <Confirm
          testId="confirm-discard"
          question={question}
          yes={button}
          isDangerous
          onYes={() => {
            setAsking(false);
            void store.act('discard', {});
          }}
          onNo={() => setAsking(false)}
        />
      ) : (
        <button type="button" data-testid="discard" onClick={() => setAsking(true)}>
          {button}
        </button>
      )}
    </section>
  );
}

/** Nothing while all is well. */
export function Health(props: { readonly store: Store; readonly health: HealthView }) {
  const { store, health } = props;
  const { condition, notice } = health;
  return (
    <>
      {condition !== 'sound' && <Damage store={store} condition={condition} />}
      {notice !== undefined && (
        <section class="card ask" data-testid="notice" data-notice={notice} role="status">
          <p class="small">{NOTICE_WORDS[notice]}</p>
          <div class="buttons">
            <button
              type="button"
              data-testid="acknowledge"
              onClick={() => void store.act('acknowledge', {})}
            >
              I have read this
            </button>
          </div>
        </section>
      )}
    </>
  );
}
