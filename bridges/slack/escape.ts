// Words of ours in Slack's mrkdwn: the three signs that mean something there, as entities, so that nobody is pinged by them.

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
