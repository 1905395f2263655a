import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreedIn } from '../../../bridge-core/appservice/asking-page.ts';

test('an answer that no page of ours makes is none, however it is padded: reading it would keep the bridge from everything else', () => {
  const browser = 'abcdefghijklmnopqrstuvwx';
  const answer = (body: string) => agreedIn({ headers: { cookie: `asked=${browser}` }, body: Buffer.from(body) }, 'asked');
  assert.equal(answer(`browser=${browser}`), browser);
  assert.equal(answer(`browser=${'y'.repeat(24)}`), undefined);
  assert.equal(answer(`browser=${browser}${'&a'.repeat(5_000)}`), undefined);
});
