// The catalogue of errors: each has a stable code, and its class says what to do about it. Foreign errors are translated
// at the edge (appservice/homeserver.ts, an adapter's wire/); nothing inside matches on messages.

/** Every code, with what an operator or sender is told to do. README's error table is held against this list by a test. */
export const catalogue = {
  CONFIG_INVALID: 'Mend the places that are listed; `causeway check FILE` shows them all at once.',
  CONFIG_UNREADABLE: 'Give a readable YAML file; `causeway sample irc` (or slack, gitter) prints one to start from.',
  REGISTRATION_UNREADABLE: 'Run `causeway register FILE`, and give the same file to the homeserver.',
  REGISTRATION_UNWRITABLE: 'Name another path by -o or appservice.registration, or mend what hinders this one.',
  REGISTRATION_MISMATCH: 'Run `causeway register FILE` again and restart the homeserver with the new registration.',
  STORE_LOCKED: 'Another bridge runs on this store: stop it, or give this one a store of its own.',
  STORE_BROKEN: 'The store cannot be read or written: check the disk, or restore the last backup.',
  STORE_NEWER: 'The store was written by a newer version: upgrade, or restore the backup made before.',
  KEYS_UNREADABLE:
    'Restore the keys file beside the store from the backup, readable by its owner alone; if it is lost for good, `causeway keys FILE --rotate` makes one, and people log in again.',
  BACKUP_FAILED: 'Nothing was replaced: name another destination, or mend what hinders this one.',
  TAKE_OVER_REFUSED:
    'Nothing was taken over, and the old store is as it was: mend what is named and run the command again; single rows can be left out by --leave-out.',
  LISTEN_FAILED:
    'Another process has the address, or it is not one of this machine: free it, or change appservice.listen and appservice.url.',
  NOT_RUNNING: 'No bridge runs on this store; start it with `causeway run FILE`.',
  HOMESERVER_UNREACHABLE: 'Check homeserver.url and that the homeserver is up; the bridge goes on trying.',
  HOMESERVER_BUSY: 'The homeserver asks us to wait; nothing to do, the bridge waits.',
  HOMESERVER_TOKEN: 'The homeserver refuses as_token: give it the registration file and restart it.',
  HOMESERVER_DOMAIN: 'homeserver.domain differs from what the homeserver calls itself: mend the config.',
  HOMESERVER_NOT_REGISTERED: 'The homeserver does not know this appservice: add the registration file to its config, restart it.',
  HOMESERVER_REFUSED: 'The homeserver refused the request for good; the log line says why.',
  HOMESERVER_UNREACHING: 'The homeserver cannot reach appservice.url: check the address, the port and firewalls between.',
  FORBIDDEN_IN_ROOM: 'Give the bridge or its ghost the power to do this in the room.',
  EVENT_TOO_LARGE: 'The message is larger than a Matrix event may be.',
  NETWORK_UNREACHABLE: 'Check the address of the network and that it is up; the bridge goes on trying.',
  NETWORK_BUSY: 'The network asks us to wait; nothing to do, the bridge waits.',
  NETWORK_LOGIN: 'The network refuses the credentials: mend them in the config, or log in again.',
  NETWORK_TLS: 'The certificate of the network is not trusted: give its CA, or mend the host name.',
  NETWORK_BANNED: 'The network has banned the bridge: ask its operators.',
  NETWORK_REFUSED: 'The network refused the message for good; the notice says why.',
  CHANNEL_CLOSED: 'The channel does not let the bridge in or speak: ask its operators.',
  NETWORK_UNKNOWN: 'No network of this name that you are in: `whoami` shows those; log in to it first.',
  CHANNEL_UNKNOWN: 'No channel of this name: check the network and the channel.',
  SESSION_LIMIT: 'No more sessions can be opened; the bot speaks for the person meanwhile.',
  OUTCOME_UNKNOWN:
    'It is not known whether the message arrived: the bridge finds out, or repeats it once. If it is given up, look there before you say it again.',
  TOO_OLD: 'The message waited longer than it may; `causeway dead FILE --retry` sends it late.',
  UNSUPPORTED: 'The network has no way to carry this.',
  DENIED: 'You lack the permission that is named.',
  LINK_HELD: 'Another bridge holds this channel in the room: unlink it there first.',
  LINK_EXISTS: 'The room and the channel are already linked.',
  LINK_UNKNOWN: 'There is no such link; `list` shows those that exist.',
  LIMIT_REACHED: 'The bridge serves as much as its operator allows: ask them for more.',
  LOGIN_UNKNOWN: 'You have no such login; `whoami` shows those that you have.',
  ROOM_NOT_PUBLIC: 'Only rooms that anybody may join can be linked here: open the room, or ask the operator.',
  ROOM_ENCRYPTED: 'An encrypted room cannot be bridged: use one without encryption.',
  ROOM_CLOSED: 'The room was closed: link the one that took its place, or another.',
  DEFECT: 'A defect of the bridge: report it with the log line; the message can be retried with `causeway dead FILE --retry`.',
  BAD_REQUEST: 'The request is not understood; the answer names the place.',
} as const;

export type ErrorCode = keyof typeof catalogue;

/** What every part of the bridge throws. `message` says what happened and where; `remedy` what to do next. */
export class BridgeError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
  }
  get remedy(): string {
    return catalogue[this.code];
  }
}

/** Try again, in order: later things of the same lane wait. `after` in milliseconds, where the other side named it. */
export class RetryableError extends BridgeError {
  readonly after: number | undefined;
  constructor(code: ErrorCode, message: string, options: { after?: number; cause?: unknown } = {}) {
    super(code, message, options.cause);
    this.after = options.after;
  }
}

/** The other side itself is away, for everybody: no try is counted against anything that waits for it. */
export class UnreachableError extends RetryableError {}

/** It may or may not have arrived: ask before repeating, where that can be asked. */
export class UnknownOutcomeError extends RetryableError {
  constructor(message: string, options: { after?: number; cause?: unknown } = {}) {
    super('OUTCOME_UNKNOWN', message, options);
  }
}

/** Will never work as it is: give up, and tell the sender. */
export class PermanentError extends BridgeError {}

/** The asker may not; says what is lacking. */
export class DeniedError extends PermanentError {
  constructor(message: string, code: ErrorCode = 'DENIED') {
    super(code, message);
  }
}

/** The operator must change something before this can work. */
export class ConfigError extends BridgeError {}

/** For logs and notices: a message for whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
