// Making a backup: asked twice, then its code, which is shown once, and its file.
import { useEffect, useState } from 'preact/hooks';
import type { KeptAccount } from '../rpc/backup-api';
import { makeBackup, type BackupClient, type MadeBackup } from './backup-files';
import { ABOUT_BACKUP, BEFORE_BACKUP, fileName, savedText } from './backup-words';
import { Confirm } from './confirm';
import { shownText } from './format';
import { bytesText } from './keeping';
import { sentenceFor } from './store';

type Stage =
  | { readonly kind: 'idle' | 'asking' | 'saved' }
  | { readonly kind: 'making'; readonly texts: number }
  | { readonly kind: 'made'; readonly made: MadeBackup; readonly url: string; readonly at: number }
  | { readonly kind: 'failed'; readonly sentence: string };

function Made(props: { readonly stage: Extract<Stage, { kind: 'made' }>; onSaved(): void }) {
  const { made, url, at } = props.stage;
  return (
    <div class="card">
      <h3>1. Write down or print this code</h3>
      <p class="code" data-testid="backup-code">
        {made.code}
      </p>
      <p class="muted small">
        It is not shown again. Keep it apart from the file: on paper, or in a password manager.
      </p>
      <div class="buttons">
        <button type="button" onClick={() => window.print()}>
          Print
        </button>
      </div>
      <h3>2. Save the file</h3>
      <p>
        <a href={url} download={fileName(at)} data-testid="backup-file">
          {fileName(at)}
        </a>{' '}
        <span class="muted">
          {bytesText(made.file.size)}, {made.texts === 1 ? '1 text' : `${made.texts} texts`}
        </span>
      </p>
      {made.damaged > 0 && (
        <p class="alarm" data-testid="backup-damaged">
          {made.damaged === 1 ? 'One record' : `${made.damaged} records`} in this browser could not
          be read and {made.damaged === 1 ? 'is' : 'are'} not in the file.
        </p>
      )}
      <div class="buttons">
        <button
          type="button"
          class="primary"
          data-testid="backup-saved"
          onClick={() => props.onSaved()}
        >
          I have both
        </button>
      </div>
    </div>
  );
}

/** The part of the panel in which backups are made. */
export function MakeBackup(props: {
  readonly client: BackupClient;
  readonly accounts: readonly KeptAccount[];
}) {
  const { client, accounts } = props;
  const [stage, setStage] = useState<Stage>({ kind: 'idle' });
  const url = stage.kind === 'made' ? stage.url : undefined;
  useEffect(() => () => void (url !== undefined && URL.revokeObjectURL(url)), [url]);
  const fail = (error: unknown): void => setStage({ kind: 'failed', sentence: sentenceFor(error) });

  function make(): void {
    setStage({ kind: 'making', texts: 0 });
    makeBackup(client, (texts) => setStage({ kind: 'making', texts })).then(
      (made) =>
        setStage({ kind: 'made', made, url: URL.createObjectURL(made.file), at: Date.now() }),
      fail,
    );
  }

  function saved({ id }: MadeBackup): void {
    client.request('backupSaved', { id }).then(() => setStage({ kind: 'saved' }), fail);
  }

  return (
    <section>
      <h2>Backup</h2>
      <p class="small">{ABOUT_BACKUP}</p>
      <ul class="devices">
        {accounts.map((account) => (
          <li class="row small" key={`${account.origin} ${account.jid}`}>
            <span class="jid">
              {shownText(account.jid)} <span class="muted">on {account.origin}</span>
            </span>
            <span class="muted" data-testid="backup-state">
              {savedText(account, Date.now())}
            </span>
          </li>
        ))}
      </ul>
      {stage.kind === 'failed' && (
        <p class="alarm" role="alert">
          {stage.sentence}
        </p>
      )}
      {stage.kind === 'saved' && <p role="status">The backup is complete.</p>}
      {accounts.length === 0 && <p class="muted">There is nothing to save yet.</p>}
      {accounts.length > 0 && ['idle', 'saved', 'failed'].includes(stage.kind) && (
        <div class="buttons">
          <button
            type="button"
            class="primary"
            data-testid="backup-make"
            onClick={() => setStage({ kind: 'asking' })}
          >
            Make a backup
          </button>
        </div>
      )}
      {stage.kind === 'asking' && (
        <Confirm
          testId="confirm-backup"
          yes="Make it"
          question={BEFORE_BACKUP}
          onYes={make}
          onNo={() => setStage({ kind: 'idle' })}
        />
      )}
      {stage.kind === 'making' && <p role="status">Reading… {stage.texts} texts so far.</p>}
      {stage.kind === 'made' && <Made stage={stage} onSaved={() => saved(stage.made)} />}
    </section>
  );
}
