// A config of the old bridge, read key by key: what nobody asked for is told, so that no setting is lost without a word.

import { type Fields, isFields } from '../fields.ts';

const whys: Readonly<Record<string, string>> = {
  'homeserver.media_url': 'media is fetched from the homeserver with authentication; what Slack fetches stands below public_url',
  'homeserver.max_upload_size': 'the homeserver says itself how much it takes',
  matrix_admin_room: 'admins (see permissions) speak to the bot in a direct chat of their own',
  'rtm.log_level': 'there is one level for all: log.level',
  slack_proxy: 'there is no proxy towards Slack: connections go out directly',
  slack_client_opts: 'the client of Slack is set up by the bridge',
  'oauth2.html_template': 'the pages of a login are those of the bridge',
  enable_metrics: '/metrics is always there: to this machine, or to whoever bears metrics_token; under the old names too',
  db: 'it is what `causeway import` reads from, by its connectionString; the new store is a file',
  dbdir: 'it is what `causeway import` reads from; the new store is a file',
  tls: 'a reverse proxy does TLS',
  'provisioning.widget': 'there is no page for setting up a room: `!slack link`, or an integration manager',
  'provisioning.http': 'it answers where the homeserver comes in (appservice.listen), below /_matrix/provision',
  'provisioning.ratelimit': 'requests are always limited: provisioning.per_minute',
  'provisioning.open_id_disallowed_ip_ranges':
    'addresses that are not public are never asked, but for those in provisioning.open_id_servers',
  'provisioning.allow_private_channels':
    'a private channel is linked by whoever is in it; provisioning.channels says which may be linked at all',
  'puppeting.onboard_users': 'nobody is written to unasked',
  bot_profile: 'the bot’s name and picture are what its profile on the homeserver says',
  encryption: 'encrypted rooms are not bridged',
  caching: 'what is cached needs no setting',
  'logging.files': 'the log is on standard output',
  'logging.fileDatePattern': 'the log is on standard output',
  'logging.timestampFormat': 'times are as ISO 8601 has them',
  alias_prefix: 'aliases are made by names.aliases, from the workspace’s and the channel’s id',
};

interface Notes {
  readonly told: Map<string, string>;
  readonly asked: Set<string>;
}

export class OldKeys {
  readonly #fields: Fields;
  readonly #path: string;
  readonly #notes: Notes;

  constructor(fields: Fields, path = '', notes: Notes = { told: new Map(), asked: new Set() }) {
    this.#fields = fields;
    this.#path = path;
    this.#notes = notes;
  }

  section(name: string): OldKeys {
    const value = this.#fields[name];
    return new OldKeys(isFields(value) ? value : {}, this.#pathOf(name), this.#notes);
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined;
  }

  /** Of teams, by their ids. */
  names(): string[] {
    return Object.keys(this.#fields).filter((name) => /^[TE][A-Z0-9]{2,}$/.test(name));
  }

  text(name: string): string | undefined {
    const value = this.#ask(name);
    return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;
  }

  number(name: string): number | undefined {
    const value = this.#ask(name);
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
  }

  boolean(name: string): boolean | undefined {
    const value = this.#ask(name);
    return typeof value === 'boolean' ? value : undefined;
  }

  texts(name: string): string[] {
    const value = this.#ask(name);
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string' && each !== '') : [];
  }

  map(name: string): Fields {
    const value = this.#ask(name);
    return isFields(value) ? value : {};
  }

  note(name: string, why: string): void {
    this.#notes.told.set(this.#pathOf(name), why);
  }

  /** Of the whole. */
  notes(): { key: string; why: string }[] {
    this.#tellRest(this.#fields, '');
    return Array.from(this.#notes.told, ([key, why]) => ({ key, why }));
  }

  #ask(name: string): unknown {
    this.#notes.asked.add(this.#pathOf(name));
    return this.#fields[name];
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #tellRest(fields: Fields, path: string): void {
    for (const [name, value] of Object.entries(fields)) {
      const key = path === '' ? name : `${path}.${name}`;
      const { asked, told } = this.#notes;
      if (asked.has(key) || value === undefined || value === null) continue;
      const why = whys[key] ?? whys[name];
      if (isFields(value) && why === undefined) this.#tellRest(value, key);
      else if (!told.has(key)) told.set(key, why ?? 'no key of the old bridge that is known');
    }
  }
}
