// REST about messages: lists, one, threads, sending, editing, deleting, readers, reports (section "Messages resource" of the documentation,
// server's code of 2020). Unverified: the answer of a report; that `lookups=user` gives `{items, lookups}`.

import { type HistoryQuery, historyOf, threadOf } from '../history.ts';
import { GitterFault, json } from '../http.ts';
import type { Message } from '../model.ts';
import { type ApiCall, type Handler, noContent, numberIn, roomOf } from './call.ts';

export const messageRoutes: Readonly<Record<string, Handler>> = {
  'GET /rooms/:room/chatMessages': (call) => list(call, historyOf(roomOf(call), call.user, historyQuery(call))),
  'GET /rooms/:room/chatMessages/:message': (call) => json(call.messages.show(messageOf(call), call.user)),
  'GET /rooms/:room/chatMessages/:message/thread': (call) => list(call, threadOf(messageOf(call), historyQuery(call))),
  'POST /rooms/:room/chatMessages': (call) => {
    const { text, status, parentId, virtualUser } = call.body;
    const message = call.messages.post({
      room: roomOf(call),
      user: call.user,
      text,
      isStatus: status === true || status === 'true',
      parentId: typeof parentId === 'string' ? parentId : undefined,
      virtualUser,
      client: call.client,
    });
    return json(call.messages.show(message, call.user));
  },
  'PUT /rooms/:room/chatMessages/:message': (call) => {
    const message = messageOf(call);
    call.messages.edit(message, call.user, call.body.text);
    return json(call.messages.show(message, call.user));
  },
  'DELETE /rooms/:room/chatMessages/:message': (call) => {
    call.messages.delete(messageOf(call), call.user);
    return noContent;
  },
  'GET /rooms/:room/chatMessages/:message/readBy': (call) =>
    json([...messageOf(call).readers].map((id) => call.shapes.user(call.world.user(id)))),
  'POST /rooms/:room/chatMessages/:message/report': (call) => {
    const message = messageOf(call);
    if (message.user === call.user) throw new GitterFault(403, 'Forbidden');
    return json({ sent: new Date(call.world.clock.now()).toISOString(), messageId: message.id });
  },
};

function messageOf(call: ApiCall): Message {
  return call.messages.in(roomOf(call), call.params.message ?? '');
}

function historyQuery({ query }: ApiCall): HistoryQuery {
  return {
    limit: numberIn(query, 'limit'),
    skip: numberIn(query, 'skip'),
    beforeId: query.get('beforeId') ?? undefined,
    beforeInclId: query.get('beforeInclId') ?? undefined,
    afterId: query.get('afterId') ?? undefined,
    aroundId: query.get('aroundId') ?? undefined,
    q: query.get('q') ?? undefined,
    marker: query.get('marker') ?? undefined,
    includeThreads: query.get('includeThreads') === 'true',
  };
}

function list({ shapes, user, query }: ApiCall, messages: readonly Message[]) {
  const byLookup = query.get('lookups') === 'user';
  const view = { viewer: user, isLean: ['true', '1'].includes(query.get('lean') ?? ''), byLookup };
  const items = messages.map((message) => shapes.message(message, view));
  if (!byLookup) return json(items);
  const users = new Map(
    messages.filter(({ virtualUser }) => virtualUser === undefined).map(({ user: each }) => [each.id, shapes.user(each)]),
  );
  return json({ items, lookups: { users: Object.fromEntries(users) } });
}
