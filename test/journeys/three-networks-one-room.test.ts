// One room linked to an IRC channel, a Slack channel and a Gitter room at once, by three bridges in one process: what is said on one
// side stands once on each of the others, with the name of who said it, and so do answers, edits, reactions and removals, in the best
// form that each knows.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../support/waiting.ts';
import { openOrg } from './gitter/stage.ts';
import { expectSeen, gitterEyes, ircEyes, matrixEyes, type Seen, slackEyes } from './sides.ts';
import { openSlackStage } from './slack/stage.ts';

const org = await openOrg({ rate: { calls: 1_000, window: 60_000 } });
const { gitter, ann: greta, bob: guido, room: gitterRoom } = org;
greta.setDisplayName('Greta Example');
const section = { api_url: gitter.apiUrl, faye_url: gitter.fayeUrl, token: org.token };
const stage = await openSlackStage({
  transport: 'socket',
  beside: { networks: { local: 'inspircd' }, bridges: { irc: {}, gitter: { gitter: section } } },
  prepare: async ({ bridge, link, places }) => {
    const room = places.general?.room ?? '';
    await link(room, '#stage', 'local', 'irc');
    await bridge.configure('gitter', (config) => ({ ...config, gitter: { ...section, links: [{ channel: 'org/room', room }] } }));
  },
});
after(async () => {
  await stage.stop();
  await gitter.stop();
});
const { alice, ann, bridge } = stage;
const { room, channel } = stage.places.general ?? assert.fail();
for (const name of bridge.names) {
  await until(`the link of ${name}`, async () => (await bridge.links(name)).some(({ state }) => state === 'live'));
}
await gitter.waitForListener(gitterRoom, 'matrixbot');
const zoe = await stage.ircPerson('zoe');
await zoe.join('#stage');
// Who speaks on IRC does not hear it: yan listens, and says nothing.
const yan = await stage.ircPerson('yan');
await yan.join('#stage');

type Side = 'Slack' | 'Gitter' | 'IRC' | 'Matrix';
const sides: readonly Side[] = ['Slack', 'Gitter', 'IRC', 'Matrix'];
const irc = ircEyes(yan);
const eyes = { Slack: slackEyes(ann, channel), Gitter: gitterEyes(guido, gitterRoom), IRC: irc, Matrix: matrixEyes(alice, room) };
type Wanted = Seen<Side>;
const expect = (what: string, act: () => unknown, wanted: Wanted) => expectSeen(eyes, { what, act, wanted });

/** Whose words they are, as each side shows it. */
const names: Readonly<Record<Side, Readonly<Record<Side, string>>>> = {
  Slack: { Slack: ann.id, Gitter: 'Ann Example', IRC: 'Ann_Example[m]', Matrix: 'slack_t0001_u0ann' },
  Gitter: { Slack: 'Greta Example', Gitter: 'ann', IRC: 'Greta_Example[m]', Matrix: `gitter_${greta.id}` },
  IRC: { Slack: 'zoe', Gitter: 'zoe', IRC: 'zoe', Matrix: 'irc_local_zoe' },
  Matrix: { Slack: 'Alice', Gitter: 'Alice', IRC: 'Alice[m]', Matrix: 'alice' },
};
const say: Readonly<Record<Side, (words: string) => unknown>> = {
  Slack: (words) => ann.say(channel, words),
  Gitter: (words) => greta.say(gitterRoom, words),
  IRC: (words) => zoe.say('#stage', words),
  Matrix: (words) => alice.say(room, words),
};
/** On all sides once it resolves. */
const said = (by: Side, words: string) => {
  const by4 = names[by];
  return expect(words, () => say[by](words), {
    Slack: [`${by4.Slack}: ${words}`],
    Gitter: [`${by4.Gitter}: ${words}`],
    IRC: [`${by4.IRC}: ${words}`],
    Matrix: [`${by4.Matrix}: ${words}`],
  });
};

const eventOf = async (words: string) => (await alice.waitForText(room, words)).event_id;
const tsOf = (words: string) => ann.sees(channel).find(({ text }) => text === words)?.ts ?? assert.fail(`${words} is not in Slack`);
const postOf = (words: string) => guido.sees(gitterRoom).find(({ text }) => text === words)?.id ?? assert.fail(`${words} is not in Gitter`);

test('what is said on one of four sides stands once on each of the others, with the right name', async () => {
  for (const by of sides) await said(by, `words from ${by}`);
});

test('an answer on one side answers the same on each other: in the thread, by the tag and a name on IRC', async () => {
  const answer: Readonly<Record<Side, (root: string, words: string) => unknown>> = {
    Slack: (root, words) => ann.reply(channel, tsOf(root), words),
    Gitter: (root, words) => greta.reply(gitterRoom, postOf(root), words),
    IRC: (root, words) => zoe.say('#stage', words, { '+draft/reply': irc.idOf(root) }),
    Matrix: async (root, words) => alice.reply(room, await eventOf(root), words),
  };
  for (const by of sides)
    for (const to of sides) {
      const root = `${to} asks ${by}`;
      await said(to, root);
      const words = `${by} answers ${to}`;
      const { Slack, Gitter, IRC, Matrix } = names[by];
      const isThread = by === 'Slack' || by === 'Gitter';
      await expect(words, () => answer[by](root, words), {
        Slack: [`${Slack} in the thread of ${root}: ${words}`],
        Gitter: [`${Gitter} in the thread of ${root}: ${words}`],
        IRC: [`${IRC} to ${root}: ${by === 'IRC' ? '' : `${names[to].IRC}: `}${words}`],
        Matrix: [`${Matrix} ${isThread ? 'in the thread of' : 'to'} ${root}: ${words}`],
      });
    }
});

test('an edit changes the message where that can be, and is told as the change on IRC, which has none', async () => {
  const edit: Readonly<Record<Exclude<Side, 'IRC'>, (words: string, now: string) => unknown>> = {
    Slack: (words, now) => ann.edit(channel, tsOf(words), now),
    Gitter: (words, now) => greta.edit(postOf(words), now),
    Matrix: async (words, now) => alice.edit(room, await eventOf(words), now),
  };
  for (const by of ['Slack', 'Gitter', 'Matrix'] as const) {
    const [was, now] = [`${by} meets on Monday at noon`, `${by} meets on Friday at noon`];
    await said(by, was);
    const { Slack, Gitter, IRC, Matrix } = names[by];
    await expect(`an edit in ${by}`, () => edit[by](was, now), {
      Slack: [`- ${Slack}: ${was}`, `${Slack}: ${now} (edited)`],
      Gitter: [`- ${Gitter}: ${was}`, `${Gitter}: ${now} (edited)`],
      IRC: [`${IRC}: s/Monday/Friday/`],
      Matrix: [`${Matrix} edits ${was} to ${now}`],
    });
  }
});

test('a reaction, given and taken back, is one wherever there are any, and words in Gitter, which has none', async () => {
  const signs = { Slack: ['tada', '🎉'], IRC: ['rocket', '🚀'], Matrix: ['sunflower', '🌻'] } as const;
  let given = '';
  const give = {
    Slack: (root: string) => ann.react(channel, tsOf(root), 'tada'),
    IRC: (root: string) => zoe.tag('#stage', { '+draft/reply': irc.idOf(root), '+draft/react': '🚀' }),
    Matrix: async (root: string) => {
      given = await alice.react(room, await eventOf(root), '🌻');
    },
  };
  const take = {
    Slack: (root: string) => ann.unreact(channel, tsOf(root), 'tada'),
    IRC: (root: string) => zoe.tag('#stage', { '+draft/reply': irc.idOf(root), '+draft/unreact': '🚀' }),
    Matrix: () => alice.redact(room, given),
  };
  for (const to of sides) {
    const root = `${to} is glad`;
    await said(to, root);
    const line = `${names[to].Slack}: ${root}`;
    for (const by of ['Slack', 'IRC', 'Matrix'] as const) {
      const [name, sign] = signs[by];
      const { Gitter, IRC, Matrix } = names[by];
      const called = to === 'Gitter' ? '@ann' : names[to].Gitter;
      await expect(`${by} reacts to ${to}`, () => give[by](root), {
        Slack: [`- ${line}`, `${line} [${name} 1]`],
        Gitter: [`${Gitter}: * ${Gitter} reacted ${sign} to ${called}: "${root}"`],
        IRC: [`${IRC} reacts ${sign} to ${root}`],
        Matrix: [`${Matrix} reacts ${sign} to ${root}`],
      });
      await expect(`${by} takes it from ${to}`, () => take[by](root), {
        Slack: [`- ${line} [${name} 1]`, line],
        Gitter: [`${Gitter}: * ${Gitter} took back ${sign}`],
        IRC: [`${IRC} takes ${sign} from ${root}`],
        Matrix: [`${Matrix} removes ${sign} for ${root}`],
      });
    }
  }
});

test('what is removed on one side is gone wherever the bridge may remove it, and else removed in words with whose it was', async () => {
  const remove = {
    Slack: (words: string) => ann.delete(channel, tsOf(words)),
    Gitter: (words: string) => greta.delete(postOf(words)),
    Matrix: async (words: string) => alice.redact(room, await eventOf(words)),
  };
  for (const by of ['Slack', 'Gitter', 'Matrix'] as const)
    for (const whose of sides) {
      const words = `${whose} gone by ${by}`;
      await said(whose, words);
      const isOwn = by === whose;
      // Neither Slack nor Gitter tells who removed what is another's: then it was their bridge's bot.
      const bot = { Slack: 'slackbot', Gitter: 'gitterbot', Matrix: undefined }[by];
      const why = by === 'Slack' && !isOwn ? ' (deleted in Slack)' : '';
      const told = (on: 'Slack' | 'Gitter' | 'IRC', called = names[whose][on]) => `removed ${isOwn ? '' : `${called}'s `}"${words}"${why}`;
      const does = (on: Side) => (isOwn ? names[whose][on] : (bot ?? names.Matrix[on]));
      const onIrc = isOwn || bot === undefined ? `${names[by].IRC}: * ${told('IRC')}` : `causeway: * ${bot} ${told('IRC')}`;
      await expect(words, () => remove[by](words), {
        Slack: [whose === 'Slack' && !isOwn ? `${does('Slack')}: _${told('Slack', 'Ann Example')}_` : `- ${names[whose].Slack}: ${words}`],
        Gitter: [
          whose === 'Gitter' && !isOwn
            ? `${does('Gitter')}: * ${does('Gitter')} ${told('Gitter', '@ann')}`
            : `- ${names[whose].Gitter}: ${words}`,
        ],
        IRC: [onIrc],
        Matrix: [`${does('Matrix')} removes ${words}`],
      });
    }
});
