// Before a client is in, and CAP and AUTHENTICATE at any time: capability-negotiation 302, sasl-3.1 and 3.2 (ircv3.net), RFC 1459.

import type { Client } from './client.ts';
import type { ClientLine } from './lines.ts';
import { SaslServer } from './sasl.ts';
import type { World } from './world.ts';

const nickPattern = /^[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]*$/;

/** True where the line was dealt with. */
export function register(world: World, client: Client, line: ClientLine): boolean {
  const { command, params } = line;
  switch (command) {
    case 'CAP':
      cap(world, client, params);
      return true;
    case 'AUTHENTICATE':
      authenticate(world, client, params[0] ?? '');
      return true;
    case 'PING':
      if (!world.faults.noPong) world.reply(client, 'PONG', world.name, params[0] ?? '');
      return true;
    case 'PONG':
      return true;
  }
  if (client.isRegistered) return false;
  switch (command) {
    case 'PASS':
      client.password = params[0];
      return true;
    case 'NICK':
      if (takeNick(world, client, params[0] ?? '')) welcome(world, client);
      return true;
    case 'USER':
      client.user = `~${(params[0] ?? '').slice(0, 9)}`;
      client.realname = params[3] ?? '';
      welcome(world, client);
      return true;
    case 'QUIT':
      client.cut(`Quit: ${params[0] ?? ''}`);
      return true;
    default:
      return false;
  }
}

function cap(world: World, client: Client, params: readonly string[]): void {
  const { faults } = world;
  if (faults.cap !== 'works') {
    if (faults.cap === 'unknown') world.reply(client, '421', 'CAP', 'Unknown command');
    if (faults.cap === 'unregistered') world.reply(client, '451', 'CAP', 'You have not registered');
    return;
  }
  const say = (...words: string[]) => world.reply(client, 'CAP', client.nick, ...words);
  switch (params[0]?.toUpperCase()) {
    case 'LS':
      client.isNegotiating ||= !client.isRegistered;
      client.speaksCap302 ||= Number(params[1]) >= 302;
      list(world, say);
      return;
    case 'LIST':
      say('LIST', [...client.capabilities].join(' '));
      return;
    case 'REQ': {
      client.isNegotiating ||= !client.isRegistered;
      const names = (params[1] ?? '').split(' ').filter((name) => name !== '');
      if (!names.every((name) => world.offered.has(name.replace(/^-/, '')))) {
        say('NAK', names.join(' '));
        return;
      }
      for (const name of names) {
        if (name.startsWith('-')) client.capabilities.delete(name.slice(1));
        else client.capabilities.add(name);
      }
      say('ACK', names.join(' '));
      return;
    }
    case 'END':
      client.isNegotiating = false;
      welcome(world, client);
      return;
    default:
      world.reply(client, '410', params[0] ?? '', 'Invalid CAP command');
  }
}

/** In lines of at most 400 bytes, a `*` before the list on all but the last. */
function list(world: World, say: (...words: string[]) => void): void {
  const words = [...world.offered].map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  let line: string[] = [];
  for (const word of words) {
    if (line.join(' ').length + word.length > 200) {
      say('LS', '*', line.join(' '));
      line = [];
    }
    line.push(word);
  }
  say('LS', line.join(' '));
}

function authenticate(world: World, client: Client, word: string): void {
  const fail = (text = 'SASL authentication failed') => {
    client.sasl = undefined;
    world.reply(client, '904', text);
  };
  if (word === '*') {
    client.sasl = undefined;
    world.reply(client, '906', 'SASL authentication aborted');
    return;
  }
  if (client.sasl === undefined) {
    const offered = world.offered.get('sasl')?.split(',') ?? [];
    if (!['PLAIN', 'SCRAM-SHA-256'].includes(word) || (offered[0] !== '' && !offered.includes(word))) {
      world.reply(client, '908', offered.join(','), 'are available SASL mechanisms');
      fail();
      return;
    }
    client.sasl = new SaslServer(word, (account) => world.accounts.get(account), world.faults.forgedSignature);
    client.sendRaw('AUTHENTICATE +');
    return;
  }
  const outcome = client.sasl.take(word);
  if (outcome === 'more') return;
  if (outcome === 'failed') fail();
  else if ('challenge' in outcome) client.sendRaw(`AUTHENTICATE ${Buffer.from(outcome.challenge).toString('base64')}`);
  else {
    client.sasl = undefined;
    client.account = outcome.account;
    world.reply(
      client,
      '900',
      `${client.nick}!${client.user || '*'}@${client.host}`,
      outcome.account,
      `You are now logged in as ${outcome.account}`,
    );
    world.reply(client, '903', 'SASL authentication successful');
  }
}

function takeNick(world: World, client: Client, wanted: string): boolean {
  const { faults } = world;
  const nick = faults.nickLimit === undefined ? wanted : wanted.slice(0, faults.nickLimit);
  const refuse = (numeric: string, text: string) => {
    world.reply(client, numeric, wanted, text);
    return false;
  };
  if (faults.nickRefusals > 0) {
    faults.nickRefusals--;
    return refuse(faults.nickRefusal, 'Nickname is refused');
  }
  if (!nickPattern.test(nick) || nick.length > 30) return refuse('432', 'Erroneous nickname');
  if (world.user(nick) !== undefined) return refuse('433', 'Nickname is already in use');
  client.nick = nick;
  return true;
}

/** Also for NICK of those who are in. */
export function isNick(text: string): boolean {
  return nickPattern.test(text) && text.length <= 30;
}

function welcome(world: World, client: Client): void {
  if (client.isRegistered || client.isNegotiating || client.nick === '*' || client.user === '') return;
  if (world.password !== undefined && client.password !== world.password) {
    world.reply(client, '464', 'Password incorrect');
    client.cut('Bad Password');
    return;
  }
  if (world.user(client.nick) !== undefined) {
    world.reply(client, '433', client.nick, 'Nickname is already in use');
    client.nick = '*';
    return;
  }
  client.isRegistered = true;
  world.enter(client);
  const say = (numeric: string, ...words: string[]) => world.reply(client, numeric, ...words);
  say('001', `Welcome to the ${world.network} IRC Network ${world.mask(client)}`);
  say('002', `Your host is ${world.name}, running version fake-1`);
  say('003', 'This server was created just now');
  say('004', world.name, 'fake-1', 'iow', 'biklmnopqrstv', 'bklov');
  const tokens = isupport(world);
  for (let at = 0; at < tokens.length; at += 13) say('005', ...tokens.slice(at, at + 13), 'are supported by this server');
  if (world.faults.motd === 'missing') say('422', 'MOTD File is missing');
  if (world.faults.motd !== 'sent') return;
  say('375', `- ${world.name} Message of the day -`);
  say('372', '- fake');
  say('376', 'End of /MOTD command.');
}

function isupport(world: World): string[] {
  const tokens = [
    'CASEMAPPING=rfc1459',
    'CHANTYPES=#&',
    'NICKLEN=30',
    'CHANNELLEN=64',
    'TOPICLEN=307',
    'KICKLEN=255',
    'AWAYLEN=200',
    'USERLEN=10',
    'HOSTLEN=64',
    'PREFIX=(ohv)@%+',
    'CHANMODES=b,k,l,imnprst',
    'STATUSMSG=@%+',
    'MODES=20',
    'MONITOR=100',
    'WHOX',
    `NETWORK=${world.network.replaceAll(' ', '\\x20')}`,
    'LINELEN=512',
  ];
  if (world.offered.has('draft/chathistory')) tokens.push('CHATHISTORY=100', 'MSGREFTYPES=msgid,timestamp');
  if (world.offered.has('setname')) tokens.push('NAMELEN=100');
  return [...tokens, ...world.faults.isupport];
}
