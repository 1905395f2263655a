// The door for adapters: the contract, errors, ids and rich text. An adapter imports this and its own files, nothing else.

export type * from './adapter.ts';
export type * from './adapter-tools.ts';
export * from './casing.ts';
export * from './duration-setting.ts';
export * from './durations.ts';
export * from './errors.ts';
export * from './format/rich-text.ts';
export * from './ids.ts';
export type * from './logins.ts';
export type * from './provisioning.ts';
export type * from './remote-event.ts';
