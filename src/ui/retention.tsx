// How long the texts of a site or of one chat are kept, and having them forgotten. What loses texts is asked twice.
import { useState } from 'preact/hooks';
import type { ChatAddress, Retention } from '../rpc/popup-api';
import { Confirm } from './confirm';
import { shownText } from './format';
import { CHOICES, isShorter, retentionDetail, retentionTitle } from './keeping';
import type { Store } from './store';

/** As the option of a choice is called. */
function valueOf(retention: Retention | null): string {
  return retention === null ? 'site' : String(retention);
}

/** `own` is that of the chat or site itself, null for a chat without one; `site` holds then. */
export function RetentionChoice(props: {
  readonly store: Store;
  readonly origin: string;
  readonly chat?: ChatAddress;
  readonly own: Retention | null;
  readonly site: Retention;
}) {
  const { store, origin, chat, own, site } = props;
  const [asking, setAsking] = useState<{ readonly to: Retention | null } | 'forget'>();
  const place = { origin, ...(chat !== undefined && { chat }) };
  const present = own ?? site;
  const all: readonly (Retention | null)[] = [
    ...(chat === undefined ? [] : [null]),
    ...CHOICES,
    ...(own === null || CHOICES.includes(own) ? [] : [own]),
  ];
  const whose = chat === undefined ? 'this site' : shownText(chat.peer);

  function set(retention: Retention | null): void {
    setAsking(undefined);
    void store.act('setRetention', { ...place, retention: retention ?? 'default' });
  }

  return (
    <section class="keeping">
      <select
        class="wide"
        data-testid="retention"
        aria-label={`How long texts of ${whose} are kept`}
        value={valueOf(own)}
        onChange={({ currentTarget }) => {
          const chosen = all.find((retention) => valueOf(retention) === currentTarget.value);
          currentTarget.value = valueOf(own); // the vault's answer decides what is shown
          if (chosen === undefined) return;
          if (isShorter(present, chosen ?? site)) setAsking({ to: chosen });
          else set(chosen);
        }}
      >
        {all.map((retention) => (
          <option key={valueOf(retention)} value={valueOf(retention)}>
            {retention === null
              ? `As on this site: ${retentionTitle(site)}`
              : retentionTitle(retention)}
          </option>
        ))}
      </select>
      <p class="muted small">{retentionDetail(present)}</p>
      {asking === undefined && (
        <button type="button" class="link" data-testid="forget" onClick={() => setAsking('forget')}>
          Forget the texts of {whose} now
        </button>
      )}
      {asking === 'forget' && (
        <Confirm
          testId="confirm-forget"
          yes="Forget them"
          isDangerous
          question={`All texts of ${whose} until now are removed from this browser. Pages can never show them again after they were loaded anew. Backups you made keep theirs.`}
          onYes={() => {
            setAsking(undefined);
            void store.act('forget', place);
          }}
          onNo={() => setAsking(undefined)}
        />
      )}
      {asking !== undefined && asking !== 'forget' && (
        <Confirm
          testId="confirm-retention"
          yes={retentionTitle(asking.to ?? site)}
          isDangerous
          question={`${retentionDetail(asking.to ?? site)} That holds for texts that are kept now, too.`}
          onYes={() => set(asking.to)}
          onNo={() => setAsking(undefined)}
        />
      )}
    </section>
  );
}
