// Addresses and colours as they stand in HTML attributes: what is allowed through, and which links are people or rooms.

import { type EventId, eventId, type RoomId, roomId, userId } from '../ids.ts';
import type { Mentioned } from './rich-text.ts';

const schemes = new Set(['http', 'https', 'mailto', 'matrix', 'magnet', 'ftp', 'irc', 'ircs']);

/** The address fit for a link node, or undefined where its scheme is not on the list. */
export function safeAddress(raw: string): string | undefined {
  const address = raw.trim();
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1];
  if (scheme === undefined || !schemes.has(scheme.toLowerCase())) return undefined;
  // Blanks and control characters would end the address on a text network.
  return address.toWellFormed().replace(/[\s\x00-\x1f\x7f]/g, (sign) => encodeURIComponent(sign));
}

/** Whom a matrix.to or matrix: address names; undefined for any other, and for one that names an event. */
export function mentionedBy(address: string): Mentioned | undefined {
  const id = matrixToId(address) ?? matrixUriId(address);
  if (id === undefined) return undefined;
  if (/^@[^:\s]*:\S+$/.test(id)) return { user: userId(id) };
  if (/^![^\s/]+$/.test(id)) return { room: roomId(id) };
  return /^#[^:\s]+:\S+$/.test(id) ? { room: id } : undefined;
}

function matrixToId(address: string): string | undefined {
  const path = /^https?:\/\/(?:www\.)?matrix\.to\/#\/([^?]*)/i.exec(address)?.[1];
  if (path === undefined) return undefined;
  // A second part names an event; aliases may hold a slash of their own only when it is encoded.
  return path.replace(/\/$/, '').includes('/') ? undefined : decoded(path.replace(/\/$/, ''));
}

/** The event that a matrix.to or matrix: address names, and the room it names it in. */
export function eventNamedBy(address: string): { readonly room: string; readonly event: EventId } | undefined {
  const path = /^https?:\/\/(?:www\.)?matrix\.to\/#\/([^?]*)/i.exec(address)?.[1];
  const [, kind = '', name = '', id = ''] = /^matrix:(roomid|r|room)\/([^/?#]+)\/(?:e|event)\/([^/?#]+)/i.exec(address) ?? [];
  const parts = path === undefined ? [(signs[kind.toLowerCase()] ?? '') + name, `$${id}`] : path.replace(/\/$/, '').split('/');
  const [room, event] = parts.map(decoded);
  if (parts.length !== 2 || room === undefined || event === undefined) return undefined;
  return /^[!#][^\s]+$/.test(room) && /^\$[^\s]+$/.test(event) ? { room, event: eventId(event) } : undefined;
}

const signs: Readonly<Record<string, string>> = { u: '@', user: '@', r: '#', room: '#', roomid: '!' };

function matrixUriId(address: string): string | undefined {
  const [, kind = '', name = ''] = /^matrix:([a-z]+)\/([^/?#]+)\/?(?:[?#].*)?$/i.exec(address) ?? [];
  const sign = signs[kind.toLowerCase()];
  const id = decoded(name);
  return sign === undefined || id === undefined ? undefined : sign + id;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Of an event, or of a room where there is none; `via`: a server that knows the room. */
export function matrixToEvent(room: RoomId, event: EventId | undefined, via: string): string {
  const to = event === undefined ? matrixTo(room) : `${matrixTo(room)}/${encodeURIComponent(event.toWellFormed()).replace(/^%24/, '$')}`;
  return `${to}?via=${encodeURIComponent(via)}`;
}

/** For matrix.to: the signs that the ids are made of stay readable, all else that means something in an address does not. */
export function matrixTo(id: string): string {
  const encoded = encodeURIComponent(id.toWellFormed());
  return `https://matrix.to/#/${encoded.replace(/%(?:40|3A|23|24|2B|3D)/g, (code) => decodeURIComponent(code))}`;
}

const colourNames: Readonly<Record<string, string>> = {
  aqua: '#00ffff',
  black: '#000000',
  blue: '#0000ff',
  brown: '#a52a2a',
  cyan: '#00ffff',
  fuchsia: '#ff00ff',
  gray: '#808080',
  green: '#008000',
  grey: '#808080',
  lime: '#00ff00',
  magenta: '#ff00ff',
  maroon: '#800000',
  navy: '#000080',
  olive: '#808000',
  orange: '#ffa500',
  pink: '#ffc0cb',
  purple: '#800080',
  red: '#ff0000',
  silver: '#c0c0c0',
  teal: '#008080',
  white: '#ffffff',
  yellow: '#ffff00',
};

/** `#rrggbb`, lower case; undefined for what is no colour. */
export function colourOf(raw: string | undefined): string | undefined {
  if (raw === undefined) return undefined;
  const value = raw.trim().toLowerCase();
  if (/^#[0-9a-f]{6}$/.test(value)) return value;
  if (/^#[0-9a-f]{3}$/.test(value)) return value.replace(/[0-9a-f]/g, '$&$&');
  return Object.hasOwn(colourNames, value) ? colourNames[value] : undefined;
}
