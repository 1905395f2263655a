// One room linked to a Slack channel, to a channel of an IRC server that knows all of IRCv3 (a scripted one) and to one of a server that
// knows none of it, by two bridges in one process: each side's line reaches every other once, and so do answers, edits, reactions and
// removals, in the best form that each knows.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startFakeIrcd } from '../../support/fake-ircd.ts';
import { until } from '../../support/waiting.ts';
import { expectSeen, ircEyes, matrixEyes, type Seen, slackEyes } from '../sides.ts';
import { openSlackStage } from './stage.ts';

const irc = await startFakeIrcd();
after(() => irc.close());
const nora = irc.person('Nora').join('#stage');
const stage = await openSlackStage({
  transport: 'socket',
  beside: { networks: { modern: { port: irc.port }, plain: 'ngircd' }, bridges: { irc: {} } },
  prepare: async ({ link, places }) => {
    await link(places.general?.room ?? '', '#stage', 'modern', 'irc');
    await link(places.general?.room ?? '', '#plain', 'plain', 'irc');
  },
});
const { alice, ann, bridge } = stage;
const { room, channel } = stage.places.general ?? assert.fail();
const gil = await stage.ircPerson('gil', 'plain');
await gil.join('#plain');
for (const name of bridge.names) {
  const areLive = async () => (await bridge.links(name)).every(({ state }) => state === 'live') || undefined;
  await until(`the links of ${name}`, areLive);
}

type Side = 'Slack' | 'modern' | 'plain' | 'Matrix';
const sides: readonly Side[] = ['Slack', 'modern', 'plain', 'Matrix'];
type Wanted = Seen<Side>;
const modern = ircEyes(nora);
// What plain IRC's own people say they do not hear themselves.
const eyes = { Slack: slackEyes(ann, channel), modern, plain: ircEyes(gil), Matrix: matrixEyes(alice, room) };
const expect = (what: string, act: () => unknown, wanted: Wanted) => expectSeen(eyes, { what, act, wanted });

const eventOf = async (words: string) => (await alice.waitForText(room, words)).event_id;
const tsOf = (words: string) => ann.sees(channel).find(({ text }) => text === words)?.ts ?? assert.fail(`${words} is not in Slack`);
/** On the modern IRC; the words of the plain one's people stand there behind their name. */
const msgidOf = (words: string, of: Side) => modern.idOf(of === 'plain' ? `<gil> ${words}` : words);

const say: Readonly<Record<Side, (words: string) => unknown>> = {
  Slack: (words) => ann.say(channel, words),
  modern: (words) => nora.say('#stage', words),
  plain: (words) => gil.say('#plain', words),
  Matrix: (words) => alice.say(room, words),
};

/** How a line of each side is shown on the others. */
const shown = (by: Side, words: string): Wanted => {
  const name = { Slack: ['U0ANN', 'Ann_Example[m]', 'slack_t0001_u0ann'], modern: ['Nora', 'Nora', 'irc_modern_nora'] }[by as 'Slack'];
  const [slack, nick, matrix] = name ?? (by === 'plain' ? ['gil', 'gil', 'irc_plain_gil'] : ['Alice', 'Alice[m]', 'alice']);
  return {
    Slack: [`${slack}: ${words}`],
    modern: [by === 'plain' ? `causeway: <gil> ${words}` : `${nick}: ${words}`],
    plain: by === 'plain' ? [] : [by === 'modern' ? `causeway: <Nora> ${words}` : `${nick}: ${words}`],
    Matrix: [`${matrix}: ${words}`],
  };
};

test('each line is heard once everywhere, by whoever stands for its speaker there', async () => {
  for (const by of sides) await expect(by, () => say[by](`root ${by}`), shown(by, `root ${by}`));
});

/** What each side calls the first lines' speakers where it answers them. */
const called: Readonly<Record<Side, string>> = { Slack: 'Ann_Example[m]', modern: 'Nora', plain: 'gil', Matrix: 'Alice[m]' };
const onModernRoot = (of: Side) => (of === 'plain' ? '<gil> root plain' : `root ${of}`);

test('answers: a thread in Slack, the reply tag and a name on IRC, a name where there are no tags, a reply or thread in Matrix', async () => {
  for (const whose of sides) {
    const root = `root ${whose}`;
    const inThread = (who: string, words: string) => [`${who} in the thread of ${root}: ${words}`];
    await expect(`Slack answers ${whose}`, () => ann.reply(channel, tsOf(root), `Slack answers ${whose}`), {
      Slack: inThread('U0ANN', `Slack answers ${whose}`),
      modern: [`Ann_Example[m] to ${onModernRoot(whose)}: ${called[whose]}: Slack answers ${whose}`],
      plain: [`Ann_Example[m]: ${called[whose]}: Slack answers ${whose}`],
      Matrix: [`slack_t0001_u0ann in the thread of ${root}: Slack answers ${whose}`],
    });
    await expect(`modern IRC answers ${whose}`, () => nora.reply('#stage', msgidOf(root, whose), `IRC answers ${whose}`), {
      Slack: inThread('Nora', `IRC answers ${whose}`),
      modern: [`Nora to ${onModernRoot(whose)}: IRC answers ${whose}`],
      plain: [`causeway: <Nora> ${called[whose]}: IRC answers ${whose}`],
      Matrix: [`irc_modern_nora to ${root}: IRC answers ${whose}`],
    });
    const event = await eventOf(root);
    await expect(`Matrix answers ${whose}`, () => alice.reply(room, event, `Matrix answers ${whose}`), {
      Slack: inThread('Alice', `Matrix answers ${whose}`),
      modern: [`Alice[m] to ${onModernRoot(whose)}: ${called[whose]}: Matrix answers ${whose}`],
      plain: [`Alice[m]: ${called[whose]}: Matrix answers ${whose}`],
      Matrix: [`alice to ${root}: Matrix answers ${whose}`],
    });
  }
});

test('edits, which IRC does not have: of the message itself in Slack and Matrix, the change in words on IRC', async () => {
  await expect('a line', () => say.Slack('Slack meets on Monday at noon'), shown('Slack', 'Slack meets on Monday at noon'));
  const ts = tsOf('Slack meets on Monday at noon');
  await expect('edited in Slack', () => ann.edit(channel, ts, 'Slack meets on Friday at noon'), {
    Slack: ['- U0ANN: Slack meets on Monday at noon', 'U0ANN: Slack meets on Friday at noon (edited)'],
    modern: ['Ann_Example[m]: s/Monday/Friday/'],
    plain: ['Ann_Example[m]: s/Monday/Friday/'],
    Matrix: ['slack_t0001_u0ann edits Slack meets on Monday at noon to Slack meets on Friday at noon'],
  });
  await expect('a line', () => say.Matrix('Matrix meets on Monday at noon'), shown('Matrix', 'Matrix meets on Monday at noon'));
  const event = await eventOf('Matrix meets on Monday at noon');
  await expect('edited in Matrix', () => alice.edit(room, event, 'Matrix meets on Friday at noon'), {
    Slack: ['- Alice: Matrix meets on Monday at noon', 'Alice: Matrix meets on Friday at noon (edited)'],
    modern: ['Alice[m]: s/Monday/Friday/'],
    plain: ['Alice[m]: s/Monday/Friday/'],
    Matrix: ['alice edits Matrix meets on Monday at noon to Matrix meets on Friday at noon'],
  });
  const correction = 's/noon/two/';
  for (const by of ['modern', 'plain'] as const)
    await expect(`a correction as IRC has it, ${by}`, () => say[by](correction), shown(by, correction));
});

test('reactions, given and taken back: counted in Slack, tags on IRC, words where there are no tags, reactions in Matrix', async () => {
  for (const whose of sides) {
    const [root, event] = [`root ${whose}`, await eventOf(`root ${whose}`)];
    const author = { Slack: 'U0ANN', modern: 'Nora', plain: 'gil', Matrix: 'Alice' }[whose];
    const given = (sign: string) => [`- ${author}: ${root}`, `${author}: ${root} [${sign} 1]`];
    const taken = (sign: string) => [`- ${author}: ${root} [${sign} 1]`, `${author}: ${root}`];
    const told = (who: string, sign: string) => [`${who} reacted ${sign} to ${called[whose]}: "${root}"`];
    await expect(`Slack on ${whose}`, () => ann.react(channel, tsOf(root), 'tada'), {
      ...{ Slack: given('tada'), modern: [`Ann_Example[m] reacts 🎉 to ${onModernRoot(whose)}`], plain: told('Ann_Example[m]: *', '🎉') },
      Matrix: [`slack_t0001_u0ann reacts 🎉 to ${root}`],
    });
    await expect(`Slack on ${whose}, taken back`, () => ann.unreact(channel, tsOf(root), 'tada'), {
      ...{
        Slack: taken('tada'),
        modern: [`Ann_Example[m] takes 🎉 from ${onModernRoot(whose)}`],
        plain: ['Ann_Example[m]: * took back 🎉'],
      },
      Matrix: [`slack_t0001_u0ann removes 🎉 for ${root}`],
    });
    const msgid = msgidOf(root, whose);
    await expect(`modern IRC on ${whose}`, () => nora.react('#stage', msgid, '🚀'), {
      ...{ Slack: given('rocket'), modern: [`Nora reacts 🚀 to ${onModernRoot(whose)}`], plain: told('causeway: * Nora', '🚀') },
      Matrix: [`irc_modern_nora reacts 🚀 to ${root}`],
    });
    await expect(`modern IRC on ${whose}, taken back`, () => nora.react('#stage', msgid, '🚀', false), {
      ...{ Slack: taken('rocket'), modern: [`Nora takes 🚀 from ${onModernRoot(whose)}`], plain: ['causeway: * Nora took back 🚀'] },
      Matrix: [`irc_modern_nora removes 🚀 for ${root}`],
    });
    let reaction = '';
    const react = async () => {
      reaction = await alice.react(room, event, '🌻');
    };
    await expect(`Matrix on ${whose}`, react, {
      ...{ Slack: given('sunflower'), modern: [`Alice[m] reacts 🌻 to ${onModernRoot(whose)}`], plain: told('Alice[m]: *', '🌻') },
      Matrix: [`alice reacts 🌻 to ${root}`],
    });
    await expect(`Matrix on ${whose}, taken back`, () => alice.redact(room, reaction), {
      ...{ Slack: taken('sunflower'), modern: [`Alice[m] takes 🌻 from ${onModernRoot(whose)}`], plain: ['Alice[m]: * took back 🌻'] },
      Matrix: [`alice removes 🌻 for ${root}`],
    });
  }
});

const inMatrixAs: Readonly<Record<Side, string>> = {
  Slack: 'slack_t0001_u0ann',
  modern: 'irc_modern_nora',
  plain: 'irc_plain_gil',
  Matrix: 'alice',
};
const inSlackAs: Readonly<Record<Side, string>> = { Slack: 'U0ANN', modern: 'Nora', plain: 'gil', Matrix: 'Alice' };

/** Says it on one side and, once it is everywhere, removes it from another. */
async function removed(
  of: Side,
  by: Side,
  remove: (words: string, of: Side) => unknown,
  wanted: (words: string) => Omit<Wanted, 'Slack'> & Partial<Wanted>,
) {
  const words = `${of} gone by ${by}`;
  await expect('what is to be removed', () => say[of](words), shown(of, words));
  await expect(words, () => remove(words, of), { Slack: [`- ${inSlackAs[of]}: ${words}`], ...wanted(words) });
}

test('removals in Slack: by whoever wrote it or, of what the bridge said there, by the bridge, on IRC by the connection that said it', async () => {
  const remove = (words: string) => ann.delete(channel, tsOf(words));
  const told = (whose: Side, words: string) => `causeway: * slackbot removed ${called[whose]}'s "${words}" (deleted in Slack)`;
  await removed('Slack', 'Slack', remove, (words) => ({
    modern: [`Ann_Example[m] removes ${words}`],
    plain: [`Ann_Example[m]: * removed "${words}"`],
    Matrix: [`slack_t0001_u0ann removes ${words}`],
  }));
  await removed('modern', 'Slack', remove, (words) => ({
    modern: [told('modern', words)],
    plain: [told('modern', words)],
    Matrix: [`slackbot removes ${words}`],
  }));
  await removed('plain', 'Slack', remove, (words) => ({
    modern: [`causeway removes <gil> ${words} (deleted in Slack)`],
    plain: [told('plain', words)],
    Matrix: [`slackbot removes ${words}`],
  }));
  await removed('Matrix', 'Slack', remove, (words) => ({
    modern: [`Alice[m] removes ${words} (deleted in Slack)`],
    plain: [told('Matrix', words)],
    Matrix: [`slackbot removes ${words}`],
  }));
});

test('removals on IRC, by an operator: with their name wherever it is told, and gone wherever the bridge may remove it', async () => {
  nora.becomeOperator('#stage');
  const remove = (words: string, of: Side) => nora.redact('#stage', msgidOf(words, of), 'sorry');
  for (const whose of sides) {
    const isOwn = whose === 'modern';
    await removed(whose, 'modern', remove, (words) => ({
      // Slack lets nobody but its admins take away what its people wrote.
      ...(whose === 'Slack' && { Slack: [`Nora: _removed Ann Example's "${words}" (sorry)_`] }),
      modern: [`Nora removes ${whose === 'plain' ? '<gil> ' : ''}${words} (sorry)`],
      plain: [`causeway: * Nora removed ${isOwn ? '' : `${called[whose]}'s `}"${words}" (sorry)`],
      Matrix: [`${isOwn || whose === 'plain' ? inMatrixAs[whose] : 'ircbot'} removes ${words}`],
    }));
  }
});

test('removals in Matrix: of what the bridge said on a side by that very speaker, of what its people said in words', async () => {
  const remove = async (words: string) => alice.redact(room, await eventOf(words));
  for (const whose of sides) {
    const told = (words: string) => `Alice[m]: * removed ${whose === 'Matrix' ? '' : `${called[whose]}'s `}"${words}"`;
    await removed(whose, 'Matrix', remove, (words) => ({
      ...(whose === 'Slack' && { Slack: [`Alice: _removed Ann Example's "${words}"_`] }),
      modern: [
        {
          Slack: `Ann_Example[m] removes ${words}`,
          modern: told(words),
          plain: `causeway removes <gil> ${words}`,
          Matrix: `Alice[m] removes ${words}`,
        }[whose],
      ],
      plain: [told(words)],
      Matrix: [`alice removes ${words}`],
    }));
  }
});
