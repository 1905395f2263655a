// Settings are snake_case in YAML and camelCase in code; this is the one place that turns the one into the other.

type Camel<Key extends string> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Key;

export type CamelKeys<Section> = { readonly [Key in keyof Section as Key extends string ? Camel<Key> : Key]: Section[Key] };

/** The keys of this object only: what lies deeper may be names that people chose. */
export function camelKeys<Section extends object>(section: Section): CamelKeys<Section> {
  const entries = Object.entries(section).map(([key, value]) => [
    key.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return Object.fromEntries(entries) as CamelKeys<Section>;
}

/** As the config writes a setting. */
export const snakeKey = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
