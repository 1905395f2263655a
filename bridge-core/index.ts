// The door for adapters: the contract, errors, ids and rich text. An adapter imports this and its own files, nothing else.

export type * from './adapter.ts';
export type * from './adapter-tools.ts';
export { agreedIn, askingPage, browserIn, isSameBrowser, toldPage } from './appservice/asking-page.ts';
export * from './casing.ts';
export type * from './channel.ts';
export * from './duration-setting.ts';
export * from './durations.ts';
export * from './errors.ts';
export { colourOf, matrixTo, safeAddress } from './format/addresses.ts';
export { addressesIn } from './format/bare-addresses.ts';
export { inlinesOf } from './format/flatten.ts';
export { type MarkdownDialect, markdownBlocks } from './format/markdown-blocks.ts';
export { type MarkName, Nest, noMarks } from './format/nest.ts';
export { isBlank, isLetter, marked, type Piece } from './format/paired-signs.ts';
export * from './format/rich-text.ts';
export { plainOfInlines } from './format/to-html.ts';
export { visibleLine } from './format/visible.ts';
export * from './formed-names.ts';
export * from './globs.ts';
export * from './ids.ts';
export type * from './logins.ts';
export type * from './mirror.ts';
export * from './named-setting.ts';
export type * from './provisioning.ts';
export { assertPublicHost, publicLookup } from './public-address.ts';
export type * from './remote-event.ts';
export * from './seldom.ts';
