// Who and what is meant by fields from outside, on the fake network: by shape alone.

import { channelId, type Lookups, remoteUserId } from '#bridge-core';

export const fakeLookups: Lookups = {
  userFields: ['nick'],
  locationFields: ['channel'],
  fieldTypes: { nick: { regexp: '[^#\\s]+', placeholder: 'nick' }, channel: { regexp: '#[^\\s]+', placeholder: '#channel' } },
  networks: () => [{ id: 'fake', name: 'Fake', domain: 'fake.test' }],
  user({ nick }) {
    if (nick === undefined || !/^[^#&\s]+$/.test(nick)) return undefined;
    return { id: remoteUserId(`fake/${nick}`), fields: { nick } };
  },
  channel({ channel }) {
    const name = channel?.toLowerCase();
    return name === undefined || !/^#[^\s,]+$/.test(name) ? undefined : { id: channelId(`fake/${name}`), fields: { channel: name } };
  },
};
