// Restoring a backup: file and code, then everything it would change, then the user's word.
import { useState } from 'preact/hooks';
import { lookInto, restore, type BackupClient, type ReadBackup } from './backup-files';
import { CLONE_WARNING } from './backup-words';
import { Review } from './review';
import { sentenceFor } from './store';

type Stage =
  | { readonly kind: 'idle' }
  | { readonly kind: 'reading' | 'restoring'; readonly part: number }
  | { readonly kind: 'read'; readonly backup: ReadBackup }
  | { readonly kind: 'done'; readonly texts: number; readonly left: number }
  | { readonly kind: 'failed'; readonly sentence: string };

function percent(part: number): string {
  return `${Math.floor(100 * part)} %`;
}

/** The part of the panel in which backups are restored. */
export function RestoreBackup(props: { readonly client: BackupClient }) {
  const { client } = props;
  const [file, setFile] = useState<File>();
  const [code, setCode] = useState('');
  const [stage, setStage] = useState<Stage>({ kind: 'idle' });
  const fail = (error: unknown): void => setStage({ kind: 'failed', sentence: sentenceFor(error) });
  const isBusy = stage.kind === 'reading' || stage.kind === 'restoring';

  function look(chosen: File): void {
    setStage({ kind: 'reading', part: 0 });
    lookInto(client, code, chosen, (part) => setStage({ kind: 'reading', part })).then(
      (backup) => setStage({ kind: 'read', backup }),
      fail,
    );
  }

  function apply(backup: ReadBackup, chosen: File): void {
    setStage({ kind: 'restoring', part: 0 });
    restore(client, backup, chosen, (part) => setStage({ kind: 'restoring', part })).then(
      (added) => {
        setCode('');
        setStage({ kind: 'done', ...added });
      },
      fail,
    );
  }

  return (
    <section>
      <h2>Restore</h2>
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          if (file !== undefined && !isBusy) look(file);
        }}
      >
        <label for="backup-input">File</label>
        <input
          id="backup-input"
          type="file"
          data-testid="restore-file"
          onChange={({ currentTarget }) => {
            setFile(currentTarget.files?.[0] ?? undefined);
            setStage({ kind: 'idle' });
          }}
        />
        <label for="code-input">Code</label>
        <input
          id="code-input"
          type="text"
          class="wide code"
          data-testid="restore-code"
          autocomplete="off"
          spellcheck={false}
          value={code}
          onInput={({ currentTarget }) => {
            setCode(currentTarget.value);
            setStage({ kind: 'idle' });
          }}
        />
        <div class="buttons">
          <button
            type="submit"
            data-testid="restore-look"
            disabled={file === undefined || code.trim() === '' || isBusy}
          >
            Look into it
          </button>
        </div>
        <p class="muted small">Nothing changes before you have seen what would.</p>
      </form>
      {stage.kind === 'reading' && <p role="status">Reading… {percent(stage.part)}</p>}
      {stage.kind === 'restoring' && <p role="status">Restoring… {percent(stage.part)}</p>}
      {stage.kind === 'failed' && (
        <p class="alarm" role="alert" data-testid="restore-failed">
          {stage.sentence}
        </p>
      )}
      {stage.kind === 'read' && file !== undefined && (
        <>
          <Review review={stage.backup.review} />
          {stage.backup.review.identities.some(({ kind }) => kind !== 'same') && (
            <p class="warning" data-testid="clone-warning">
              {CLONE_WARNING}
            </p>
          )}
          <div class="buttons">
            <button
              type="button"
              class="danger"
              data-testid="restore-apply"
              onClick={() => apply(stage.backup, file)}
            >
              Restore all of this
            </button>
            <button type="button" onClick={() => setStage({ kind: 'idle' })}>
              Cancel
            </button>
          </div>
        </>
      )}
      {stage.kind === 'done' && (
        <p role="status" data-testid="restore-done">
          Restored, with {stage.texts === 1 ? '1 text' : `${stage.texts} texts`} that had been
          missing.
          {stage.left > 0 && ` ${stage.left} older than what you keep here were left out.`} Protect
          each site with the Omnemo button where that is not done yet: the browser asks for its
          permission, which no backup can give.
        </p>
      )}
    </section>
  );
}
