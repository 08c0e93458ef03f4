// The passphrase: the way in while the vault is locked, and what can be decided about it while it is not.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { LockView } from '../rpc/lock-api';
import { Confirm } from './confirm';
import {
  AUTO_LOCK_CHOICES,
  autoLockText,
  passphraseProblem,
  PASSPHRASE_ADVICE,
  STATE_WORDS,
  WITH_PASSPHRASE,
  WITHOUT_PASSPHRASE,
} from './format';
import { Fold } from './fold';
import type { Store } from './store';

/** A field for a passphrase with its label. */
function Secret(props: {
  readonly label: string;
  readonly testId: string;
  readonly isNew?: boolean;
  readonly hasFocus?: boolean;
  readonly value: string;
  onInput(value: string): void;
}) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.hasFocus === true) field.current?.focus();
  }, [props.hasFocus]);
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input
        id={id}
        ref={field}
        type="password"
        autocomplete={props.isNew === true ? 'new-password' : 'current-password'}
        spellcheck={false}
        data-testid={props.testId}
        value={props.value}
        onInput={({ currentTarget }) => props.onInput(currentTarget.value)}
      />
    </div>
  );
}

/** Seconds until the next attempt, counted down from what the vault said last. */
function useSecondsLeft(lock: LockView): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const until = Date.now() + lock.waitMs;
    const count = (): void => setSeconds(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    count();
    const timer = setInterval(count, 250);
    return () => clearInterval(timer);
  }, [lock]);
  return seconds;
}

/** The first and only view of a locked vault. */
export function Unlock(props: { readonly store: Store; readonly lock: LockView }) {
  const { store, lock } = props;
  const [passphrase, setPassphrase] = useState('');
  const [isBusy, setBusy] = useState(false);
  const seconds = useSecondsLeft(lock);
  const { title, detail } = STATE_WORDS.locked;
  async function unlock(): Promise<void> {
    setBusy(true);
    await store.act('unlock', { passphrase });
    setBusy(false);
    setPassphrase('');
  }
  return (
    <section class="status attention" data-testid="locked">
      <div data-testid="site-state" data-state="locked" role="status">
        <h1>{title}</h1>
        <p>{detail}</p>
      </div>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy && seconds === 0) void unlock();
        }}
      >
        <Secret
          label="Passphrase"
          testId="unlock-passphrase"
          hasFocus
          value={passphrase}
          onInput={setPassphrase}
        />
        <button
          type="submit"
          class="primary wide"
          data-testid="unlock"
          disabled={isBusy || seconds > 0}
        >
          {isBusy ? 'Unlocking…' : 'Unlock'}
        </button>
        {seconds > 0 && (
          <p class="small" data-testid="unlock-wait">
            The next attempt is possible in {seconds} {seconds === 1 ? 'second' : 'seconds'}.
          </p>
        )}
      </form>
    </section>
  );
}

/** Sets a passphrase, or another one where there is one. */
function NewPassphrase(props: { readonly store: Store; readonly hasPassphrase: boolean }) {
  const { store, hasPassphrase } = props;
  const [current, setCurrent] = useState('');
  const [first, setFirst] = useState('');
  const [second, setSecond] = useState('');
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  async function set(): Promise<void> {
    const found = passphraseProblem(first, second);
    setProblem(found);
    if (found !== undefined) return;
    setBusy(true);
    const arg = { passphrase: first, ...(hasPassphrase && { current }) };
    const isSet = await store.act('setPassphrase', arg);
    setBusy(false);
    setCurrent('');
    if (!isSet) return;
    setFirst('');
    setSecond('');
  }
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) void set();
      }}
    >
      {hasPassphrase && (
        <Secret
          label="Present passphrase"
          testId="current-passphrase"
          value={current}
          onInput={setCurrent}
        />
      )}
      <Secret
        label="New passphrase"
        testId="new-passphrase"
        isNew
        value={first}
        onInput={setFirst}
      />
      <Secret
        label="New passphrase again"
        testId="repeat-passphrase"
        isNew
        value={second}
        onInput={setSecond}
      />
      <p class="muted small">{PASSPHRASE_ADVICE}</p>
      {problem !== undefined && (
        <p class="alarm" role="alert" data-testid="passphrase-problem">
          {problem}
        </p>
      )}
      <button type="submit" class="wide" data-testid="set-passphrase" disabled={isBusy}>
        {isBusy ? 'Sealing everything anew…' : hasPassphrase ? 'Change it' : 'Set a passphrase'}
      </button>
    </form>
  );
}

/** Takes the passphrase away, which is asked for once more. */
function Remove(props: { readonly store: Store }) {
  const [current, setCurrent] = useState('');
  const [isAsking, setAsking] = useState(false);
  if (!isAsking) {
    return (
      <button
        type="button"
        class="danger wide"
        data-testid="remove-passphrase"
        onClick={() => setAsking(true)}
      >
        Remove the passphrase
      </button>
    );
  }
  return (
    <Confirm
      testId="confirm-remove-passphrase"
      yes="Remove"
      isDangerous
      question={
        <>
          <p>{WITHOUT_PASSPHRASE}</p>
          <Secret
            label="Present passphrase"
            testId="remove-current-passphrase"
            hasFocus
            value={current}
            onInput={setCurrent}
          />
        </>
      }
      onYes={() => {
        setAsking(false);
        setCurrent('');
        void props.store.act('removePassphrase', { current });
      }}
      onNo={() => setAsking(false)}
    />
  );
}

/** What can be decided about the passphrase. */
export function Passphrase(props: { readonly store: Store; readonly lock: LockView }) {
  const { store, lock } = props;
  const { hasPassphrase } = lock;
  return (
    <Fold
      testId="passphrase"
      summary={
        <>
          <span>Passphrase</span>
          <span class="badge">{hasPassphrase ? 'set' : 'none'}</span>
        </>
      }
    >
      <div class="form">
        <p class="small">{hasPassphrase ? WITH_PASSPHRASE : WITHOUT_PASSPHRASE}</p>
        {hasPassphrase && (
          <>
            <label for="auto-lock">Lock when nobody is there</label>
            <select
              id="auto-lock"
              class="wide"
              data-testid="auto-lock"
              value={String(lock.autoLockMinutes)}
              onChange={({ currentTarget }) => {
                const minutes = Number(currentTarget.value);
                currentTarget.value = String(lock.autoLockMinutes); // the vault's answer decides what is shown
                void store.act('setAutoLock', { minutes });
              }}
            >
              {AUTO_LOCK_CHOICES.map((minutes) => (
                <option key={minutes} value={String(minutes)}>
                  {autoLockText(minutes)}
                </option>
              ))}
            </select>
          </>
        )}
        <NewPassphrase store={store} hasPassphrase={hasPassphrase} />
        {hasPassphrase && <Remove store={store} />}
      </div>
    </Fold>
  );
}
