// Forms that strangers post, read by Node's parser: for a few megabytes of nothing but `&` it takes minutes, in which the bridge does
// nothing else. So the fields are counted before, and a form of very many is none.

const mostFields = 200;

/** Without a field where there are too many. */
export function formIn(body: Buffer): URLSearchParams {
  let fields = 1;
  for (let at = body.indexOf('&'); at >= 0; at = body.indexOf('&', at + 1)) {
    fields += 1;
    if (fields > mostFields) return new URLSearchParams();
  }
  return new URLSearchParams(body.toString('utf8'));
}
