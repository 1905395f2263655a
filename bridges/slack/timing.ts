// How long things may take. Tests set shorter ones.

import type { ReachTiming } from './reach.ts';
import type { SourceTiming } from './wire/source.ts';

export interface SlackTiming {
  /** ms: a call may take so long. */
  readonly callTimeout: number;
  /** ms between the tries to reach Slack again; and between looks whether it is there, where nothing else tells. */
  readonly probe: { readonly first: number; readonly most: number; readonly watch: number };
  /** ms between two pages of a workspace's channels or people. */
  readonly pages: number;
  /** False: only what a 429 stops waits. */
  readonly limits: boolean;
  readonly countsTime: boolean;
  /** ms for which private words to one person are gathered. */
  readonly gather?: number;
  /** When what Slack may have given up is looked for. */
  readonly reach?: ReachTiming;
  readonly sources: Partial<SourceTiming> | undefined;
}

export const usualTiming: SlackTiming = {
  callTimeout: 30_000,
  probe: { first: 1_000, most: 30_000, watch: 30_000 },
  pages: 6_000,
  limits: true,
  countsTime: false,
  sources: undefined,
};
