// Reading what comes from outside, whose shape nobody promises: a field is there in the wanted type, or it is undefined.

export type Fields = Readonly<Record<string, unknown>>;

export function textIn(from: Fields | undefined, name: string): string | undefined {
  const value = from?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberIn(from: Fields | undefined, name: string): number | undefined {
  const value = from?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function fieldsIn(from: Fields | undefined, name: string): Fields | undefined {
  const value = from?.[name];
  return isFields(value) ? value : undefined;
}

export function listIn(from: Fields | undefined, name: string): readonly Fields[] {
  const value = from?.[name];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

export function textsIn(from: Fields | undefined, name: string): readonly string[] {
  const value = from?.[name];
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

/** A channel, a person, a file: told as an id or as the thing itself. */
export function idIn(from: Fields | undefined, name: string): string | undefined {
  return textIn(from, name) ?? textIn(fieldsIn(from, name), 'id');
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
