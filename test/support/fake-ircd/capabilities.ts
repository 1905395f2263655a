// What the fake server can offer, each written from its specification at ircv3.net (named beside it). A test switches off what
// it wants to do without.

export const allCapabilities: Readonly<Record<string, string>> = {
  'message-tags': '', // extensions/message-tags, message-ids
  'server-time': '', // extensions/server-time
  batch: '', // extensions/batch; batches/netsplit, batches/chathistory
  'echo-message': '', // extensions/echo-message
  'labeled-response': '', // extensions/labeled-response
  'account-tag': '', // extensions/account-tag
  'account-notify': '', // extensions/account-notify
  'extended-join': '', // extensions/extended-join
  chghost: '', // extensions/chghost
  'away-notify': '', // extensions/away-notify
  'multi-prefix': '', // extensions/multi-prefix
  'userhost-in-names': '', // extensions/userhost-in-names
  setname: '', // extensions/setname
  'invite-notify': '', // extensions/invite-notify
  'no-implicit-names': '', // extensions/no-implicit-names
  'standard-replies': '', // extensions/standard-replies
  'cap-notify': '', // extensions/capability-negotiation
  sasl: 'PLAIN,SCRAM-SHA-256', // extensions/sasl-3.1, sasl-3.2; RFC 4616, RFC 5802, RFC 7677
  'draft/chathistory': '', // extensions/chathistory
  'draft/multiline': 'max-bytes=4096,max-lines=24', // extensions/multiline, client-batch
  'draft/message-redaction': '', // extensions/message-redaction
  'draft/read-marker': '', // extensions/read-marker
};

/** Some by name, with their usual values. */
export function capabilities(...names: (keyof typeof allCapabilities)[]): [string, string][] {
  return names.map((name) => [name, allCapabilities[name] ?? '']);
}
