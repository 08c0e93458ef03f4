// The OMEMO versions as values, in the order in which they are preferred (design D4).
import type { OmemoVersion } from '../omemo/types';

/** XEP-0384 0.3.0: nearly everybody. */
export const LEGACY = 'eu.siacs.conversations.axolotl' as const;

/** XEP-0384 0.9.1. */
export const OMEMO2 = 'urn:xmpp:omemo:2' as const;

/**
 * Both, legacy first: a bundle of OMEMO 2 does not promise that its owner reads payloads of OMEMO 2, so a device that
 * has both is written to in legacy.
 */
export const VERSIONS = [LEGACY, OMEMO2] as const satisfies readonly OmemoVersion[];
