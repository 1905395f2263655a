// What is asked of a server, where it offers it. The bot hears everybody and wants to know much; a puppet speaks, and is spared
// what it would only throw away.

const ofBoth = [
  'message-tags',
  'server-time',
  'echo-message',
  'labeled-response',
  'batch',
  'standard-replies',
  'draft/multiline',
  'draft/message-redaction',
  'draft/chathistory',
  'cap-notify',
] as const;

export const botCapabilities: readonly string[] = [
  ...ofBoth,
  'account-notify',
  'account-tag',
  'away-notify',
  'chghost',
  'extended-join',
  'invite-notify',
  'multi-prefix',
  'setname',
  'userhost-in-names',
];

/** Without the names of everybody at each join, the greatest cost of many puppets. */
export const puppetCapabilities: readonly string[] = [...ofBoth, 'chghost', 'no-implicit-names', 'draft/no-implicit-names'];
