// Every waiting time of the adapter that no setting names, in ms. Tests shorten them.

export interface IrcTiming {
  /** A line that nobody has proved for so long may or may not have arrived. */
  readonly proof: number;
  /** A server answers a JOIN, or any question, within this. */
  readonly answer: number;
  /** The acknowledgement is in, but not the id that the reporter will hear: wait no longer for that. */
  readonly idAfterProof: number;
  /** After another session took over the reporting, what it hears of our own lines proves nothing for so long. */
  readonly unsureAfterHandover: number;
  /** A reporter that answers no PING is not waited for longer than this when another takes over. */
  readonly handover: number;
  /** Lines heard by one of two sessions are remembered so long for the other's sake; longer than any dead socket lives. */
  readonly backlog: number;
  /** What was reported is remembered so long for a session that begins to stand by. */
  readonly recent: number;
  /** A connection so young may hear the end of the one before it under the same nick. */
  readonly young: number;
  /** A puppet that the network says has quit is given up after this, unless its own connection says why before. */
  readonly lastWords: number;
  /** The bot is just coming in: puppets that would be in before it wait no longer than this. */
  readonly botFirst: number;
  /** The bot was kicked: back in after this. */
  readonly rejoin: number;
  /** Kicked again within this: it is meant. */
  readonly kickMemory: number;
  /** A join that may succeed later (channel full) is tried again after this. */
  readonly joinRetry: number;
  readonly reconnectFirst: number;
  readonly reconnectMost: number;
  /** A connection that held for so long is followed by the shortest wait again. */
  readonly stable: number;
  /** After a ban or refused credentials. */
  readonly reconnectBarred: number;
  readonly connect: number;
  /** How often a puppet asks for the nick that it should have. */
  readonly regain: number;
  /** How often idle puppets are looked for. */
  readonly sweep: number;
  /** A puppet that is in no channel is given up after this. */
  readonly homeless: number;
  /** A nick given up still counts as ours for so long, for lines on their way to the reporter. */
  readonly nickMemory: number;
  /** When somebody last spoke is written down at most so often. */
  readonly noteSpoken: number;
  /** One automatic answer to each person in this time. */
  readonly courtesy: number;
  readonly typing: number;
  /** A gap is filled from the server's history within this, or told. */
  readonly history: number;
  /** After a start: who was away from a channel for no longer than this need not tell its room. */
  readonly quickRestart: number;
  /** How often it is written down until when each channel was heard. */
  readonly mark: number;
}

export const usualTiming: IrcTiming = {
  proof: 15_000,
  answer: 15_000,
  idAfterProof: 1_000,
  unsureAfterHandover: 5_000,
  handover: 10_000,
  backlog: 180_000,
  recent: 10_000,
  young: 5_000,
  lastWords: 1_000,
  botFirst: 1_000,
  rejoin: 60_000,
  kickMemory: 3_600_000,
  joinRetry: 60_000,
  reconnectFirst: 1_000,
  reconnectMost: 30_000,
  stable: 30_000,
  reconnectBarred: 900_000,
  connect: 30_000,
  regain: 300_000,
  sweep: 60_000,
  homeless: 600_000,
  nickMemory: 60_000,
  noteSpoken: 600_000,
  courtesy: 60_000,
  typing: 3_000,
  history: 30_000,
  quickRestart: 60_000,
  mark: 30_000,
};
