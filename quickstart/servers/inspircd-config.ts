// The text of InspIRCd's config file: loopback only, an operator, no limits unless asked for, the modules that IRCv3 clients know.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from './certificate.ts';

export interface InspircdConfig {
  readonly name: string;
  /** Three characters, unlike those of the servers it links with. */
  readonly id: string;
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number | undefined;
  /** For other servers. */
  readonly serverPort?: number | undefined;
  readonly links: readonly { readonly name: string; readonly port: number }[];
  readonly modules: string;
  readonly without: readonly string[];
  readonly certificate: Certificate | undefined;
  /** A bucket of `threshold` commands, emptied at `perSecond`; `isStrict` ends a client that overfills it, else it is slowed down. */
  readonly flood: { readonly threshold: number; readonly perSecond: number; readonly isStrict?: boolean } | undefined;
  readonly settings: string;
}

export const operator = { name: 'root', password: 'rootpw' };
const linkPassword = 'link';

const wanted = [
  ...['cap', 'ircv3', 'ircv3_accounttag', 'ircv3_batch', 'ircv3_capnotify', 'ircv3_chghost', 'ircv3_ctctags', 'ircv3_echomessage'],
  ...['ircv3_invitenotify', 'ircv3_labeledresponse', 'ircv3_msgid', 'ircv3_servertime', 'sasl', 'services_account', 'setname'],
  ...['monitor', 'namesx', 'uhnames', 'chanhistory', 'cgiirc', 'botmode', 'knock', 'callerid', 'banexception', 'inviteexception'],
  ...['muteban', 'sajoin', 'sanick', 'samode', 'sakick', 'sapart', 'saquit', 'svshold', 'chghost', 'sethost', 'customprefix'],
  ...['blockcolor', 'stripcolor', 'noctcp', 'nonotice', 'sha256', 'spanningtree'],
];

export function inspircdConfig(config: InspircdConfig): string {
  const { folder, certificate } = config;
  const modules = [...wanted, ...(certificate ? ['ssl_gnutls', 'sslinfo'] : [])]
    .filter((name) => !config.without.includes(name))
    .filter((name) => existsSync(join(config.modules, `m_${name}.so`)));
  const lines = [
    '<config format="xml">',
    tag('server', { name: config.name, description: 'A server on the loopback', network: 'TestNet', id: config.id }),
    tag('admin', { name: 'nobody', email: 'nobody@irc.test', nick: 'nobody' }),
    tag('path', { configdir: folder, datadir: folder, logdir: folder, runtimedir: folder, moduledir: config.modules }),
    tag('pid', { file: join(folder, 'ircd.pid') }),
    tag('files', { motd: join(folder, 'motd') }),
    ...modules.map((name) => tag('module', { name })),
    tag('bind', { address: '127.0.0.1', port: config.port, type: 'clients' }),
    ...(certificate && config.tlsPort ? tlsTags(certificate, config.tlsPort) : []),
    ...linkTags(config),
    connectTag(config.flood),
    tag('class', { name: 'all', commands: '*', privs: '*', usermodes: '*', chanmodes: '*', snomasks: '*' }),
    tag('type', { name: 'NetAdmin', classes: 'all' }),
    tag('oper', { name: operator.name, password: operator.password, host: '*@*', type: 'NetAdmin' }),
    ...(modules.includes('customprefix') ? prefixTags() : []),
    tag('dns', { server: '127.0.0.1', timeout: 1, enabled: 'no' }),
    tag('options', { casemapping: 'rfc1459', defaultmodes: 'not' }),
    tag('security', { hidesplits: 'no', maxtargets: 20 }),
    tag('monitor', { maxentries: 1_000 }),
    tag('limits', { maxnick: 30 }),
    // The SASL module wants to know its services server, linked or not.
    tag('sasl', { target: 'services.test', requiressl: 'no' }),
    tag('log', { method: 'file', type: '* -USERINPUT -USEROUTPUT', level: 'default', target: join(folder, 'inspircd.log') }),
    config.settings,
  ];
  return `${lines.join('\n')}\n`;
}

function connectTag(flood: InspircdConfig['flood']): string {
  return tag('connect', {
    name: 'main',
    allow: '*',
    ...{ maxchans: 100_000, timeout: 30, pingfreq: 120, limit: 100_000, localmax: 100_000, globalmax: 100_000 },
    ...{ hardsendq: 8_388_608, softsendq: 4_194_304, recvq: 524_288, useident: 'no', resolvehostnames: 'no' },
    threshold: flood?.threshold ?? 100_000,
    // In thousandths of a command a second.
    commandrate: (flood?.perSecond ?? 1_000_000) * 1_000,
    fakelag: flood && !flood.isStrict ? 'yes' : 'no',
  });
}

function linkTags(config: InspircdConfig): string[] {
  if (!config.serverPort) return [];
  const links = config.links.map(({ name, port }) =>
    tag('link', { name, ipaddr: '127.0.0.1', port, allowmask: '127.0.0.0/8', sendpass: linkPassword, recvpass: linkPassword }),
  );
  return [tag('bind', { address: '127.0.0.1', port: config.serverPort, type: 'servers' }), ...links];
}

function tlsTags(certificate: Certificate, port: number): string[] {
  const { certFile: certfile, keyFile: keyfile } = certificate;
  return [
    tag('sslprofile', { name: 'tls', provider: 'gnutls', certfile, keyfile, hash: 'sha256', requestclientcert: 'yes' }),
    tag('bind', { address: '127.0.0.1', port, type: 'clients', sslprofile: 'tls' }),
  ];
}

function prefixTags(): string[] {
  const prefix = (name: string, letter: string, sign: string, rank: number, ranktoset: number) =>
    tag('customprefix', { name, letter, prefix: sign, rank, ranktoset });
  return [
    prefix('founder', 'q', '~', 50_000, 50_000),
    prefix('admin', 'a', '&', 40_000, 50_000),
    prefix('halfop', 'h', '%', 20_000, 30_000),
  ];
}

function tag(name: string, values: Readonly<Record<string, string | number>>): string {
  const quoted = (value: string | number) => String(value).replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const words = Object.entries(values).map(([key, value]) => ` ${key}="${quoted(value)}"`);
  return `<${name}${words.join('')}>`;
}
