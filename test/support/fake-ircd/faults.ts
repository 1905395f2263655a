// How the fake server misbehaves: switches that a test may turn at any time.

export interface Faults {
  /** Writes arrive in pieces cut at random bytes. */
  splitWrites: boolean;
  lineEnd: '\r\n' | '\n' | '\r\r\n';
  /** `unknown` answers 421, `unregistered` 451, `silent` nothing; none of these waits for CAP END. */
  cap: 'works' | 'unknown' | 'unregistered' | 'silent';
  /** So many NICKs are refused before registration, with this numeric. */
  nickRefusals: number;
  nickRefusal: '432' | '433' | '436' | '437';
  /** Nicks are cut to this length without a word. */
  nickLimit: number | undefined;
  motd: 'sent' | 'missing' | 'none';
  /** Tokens sent after the true ones. */
  isupport: readonly string[];
  /** A new connection is turned away: numerics first (`465 * :You are banned`), then ERROR with the last. */
  refuse: readonly string[] | undefined;
  /** Half-open: reads on, answers nobody, sends nothing. */
  frozen: boolean;
  /** So many messages vanish: neither distributed nor echoed nor answered. */
  swallow: number;
  /** Distributes, but neither echoes nor answers labels of messages. */
  neverEcho: boolean;
  /** Distributes so many messages and cuts the sender's connection at once after each, before the echo. */
  cutAfterMessage: number;
  /** PING is not answered. */
  noPong: boolean;
  /** The server's proof in SCRAM is wrong; what comes after is as if it were right. */
  forgedSignature: boolean;
  /** ms that every line to a client takes. */
  latency: number;
  /** What the server makes of texts, as with +c. */
  rewrite: ((text: string) => string) | undefined;
  /** Of each channel so many messages are kept for draft/chathistory. */
  keeps: number;
  /** Lines a second that a client may send; one more, and it is cut for flooding. */
  floodLimit: number;
}

export function noFaults(): Faults {
  return {
    splitWrites: false,
    lineEnd: '\r\n',
    cap: 'works',
    nickRefusals: 0,
    nickRefusal: '433',
    nickLimit: undefined,
    motd: 'sent',
    isupport: [],
    refuse: undefined,
    frozen: false,
    swallow: 0,
    neverEcho: false,
    cutAfterMessage: 0,
    noPong: false,
    forgedSignature: false,
    latency: 0,
    rewrite: undefined,
    keeps: 5_000,
    floodLimit: Number.POSITIVE_INFINITY,
  };
}
