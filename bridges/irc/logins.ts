// IRC needs no logins: everybody who speaks gets a session by themselves.

import type { LoginFlow } from '#bridge-core';

export const logins: readonly LoginFlow[] = [];
