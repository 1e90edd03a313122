// The relay's server-sent events, read from a response body.

export interface Event {
  name: string;
  text: string;
}

export async function* events(response: Response): AsyncGenerator<Event> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (unread + value).split("\n\n");
    unread = blocks.pop()!; // an event may arrive in parts
    for (const block of blocks) {
      const [, name, data] = block.match(/^event: (\w+)\ndata: (.*)$/)!;
      yield { name: name!, text: JSON.parse(data!) };
    }
  }
}
