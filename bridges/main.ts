// The command line. It knows the words and hands each command to its own file, so that none loads what another needs; the
// exit code is 0 where all went well, 2 for what is wrong in the command or a config, 1 for everything else.

// Warnings of libraries tell an operator nothing; development sees them in the tests.
process.noDeprecation = true;
// `npm start` changes to the folder of the package; paths are meant from where the operator stands.
if (process.env.npm_lifecycle_event === 'start' && process.env.INIT_CWD !== undefined) process.chdir(process.env.INIT_CWD);

const { Command, CommanderError } = await import('commander');
type Command = InstanceType<typeof Command>;

interface Options {
  readonly set?: Readonly<Record<string, string>>;
  readonly output?: string;
  readonly retry?: boolean;
  readonly rotate?: boolean;
  readonly replace?: boolean;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly leaveOut?: boolean;
  readonly registration?: string;
}

/** Returns the exit code. */
type Action = (words: readonly string[], options: Options) => Promise<number>;

const program = new Command('causeway')
  .description('Bridges between Matrix and other networks.')
  .exitOverride()
  .showHelpAfterError('(causeway --help shows the commands)');
let exitCode = 0;

command('sample <network>', 'print a commented config to start from', async ([network = '']) =>
  (await import('./commands/sample.ts')).printSample(network),
);
withConfig('check <file...>', 'tell all faults of one or several configs', async (files, options) =>
  (await import('./commands/check.ts')).check(files, sourcesFrom(options)),
);
withConfig('register <file>', 'write the registration file for the homeserver', async ([file = ''], options) =>
  (await import('./commands/register.ts')).register(file, sourcesFrom(options), options.output),
).option('-o, --output <path>', 'where to write it, if not where the config says');
withConfig('run <file...>', 'run one or several bridges in this process', async (files, options) =>
  (await import('./commands/run.ts')).run(files, sourcesFrom(options)),
);
withConfig('links <file>', 'list the links between rooms and channels', async ([file = ''], options) =>
  (await import('./commands/links.ts')).listLinks(file, sourcesFrom(options), options.json === true),
).option('--json', 'print JSON');
withConfig('dead <file>', 'list the messages that could not be delivered', async ([file = ''], options) => {
  const { listDead, retryDead } = await import('./commands/dead.ts');
  return options.retry ? retryDead(file, sourcesFrom(options)) : listDead(file, sourcesFrom(options), options.json === true);
})
  .option('--retry', 'deliver them after all, late')
  .option('--json', 'print JSON');
withConfig(
  'backup <file> <destination>',
  'copy the store and its keys, also while the bridge runs',
  async ([file = '', to = ''], options) =>
    (await import('./commands/backup.ts')).backup(file, to, sourcesFrom(options), options.replace === true),
).option('--replace', 'take the place of a copy that is there already');
withConfig('keys <file>', 'tell of the keys that seal and sign, or make new ones', async ([file = ''], options) => {
  const { rotateKeys, showKeys } = await import('./commands/keys.ts');
  return options.rotate ? rotateKeys(file, sourcesFrom(options)) : showKeys(file, sourcesFrom(options));
}).option('--rotate', 'make new ones, and seal anew all that is sealed');
withConfig('import <file> <from>', 'take over the store of an older bridge', async ([file = '', from = ''], options) =>
  (await import('./commands/import.ts')).importStore(file, from, sourcesFrom(options), {
    isTrial: options.dryRun === true,
    mayLeaveOut: options.leaveOut === true,
  }),
)
  .option('--dry-run', 'tell what would be taken, and write nothing')
  .option('--leave-out', 'take the rest where rows cannot be taken');
command(
  'import-config <network> <old>',
  'print the config of an older bridge in words of this one',
  async ([network = '', old = ''], options) => (await import('./commands/import.ts')).importConfig(network, old, options.registration),
).option('--registration <path>', 'its registration file, for address and bot');
command('version', 'print the version', async () => (await import('./commands/version.ts')).printVersion());

process.exitCode = await answer(process.argv);

function command(words: string, description: string, action: Action): Command {
  return program
    .command(words)
    .description(description)
    .option('--verbose', 'show where an error arose')
    .action(async (...given: unknown[]) => {
      const parsed = given.at(-1) as Command;
      exitCode = await action(parsed.args, parsed.opts<Options>());
    });
}

function withConfig(words: string, description: string, action: Action): Command {
  const assignment = (text: string, before: Options['set']): Options['set'] => {
    const end = text.indexOf('=');
    if (end < 1) throw new CommanderError(2, 'causeway.set', `error: --set takes path=value, not ${JSON.stringify(text)}`);
    return { ...before, [text.slice(0, end)]: text.slice(end + 1) };
  };
  return command(words, description, action).option('--set <path=value>', 'a setting that goes before environment and file', assignment);
}

function sourcesFrom({ set = {} }: Options): { env: NodeJS.ProcessEnv; flags: Readonly<Record<string, string>> } {
  return { env: process.env, flags: set };
}

async function answer(words: readonly string[]): Promise<number> {
  try {
    await program.parseAsync([...words]);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'causeway.set') console.error(error.message);
      return error.exitCode === 0 ? 0 : 2;
    }
    const { printError, exitCodeOf } = await import('./commands/report.ts');
    printError(error, words.includes('--verbose'));
    return exitCodeOf(error);
  }
}
