// A client of the mock, without the SDK.

import type { MockOpenAI } from "openai-mockserver";

/** Ask the model, and return the response. */
export function ask(mock: Pick<MockOpenAI, "baseURL">, user: string, more: object = {}) {
  const messages = [{ role: "user", content: user }];
  return fetch(`${mock.baseURL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer key" },
    body: JSON.stringify({ model: "gpt-4o", messages, ...more }),
  });
}

/** Return the model's answer. */
export async function answer(mock: Pick<MockOpenAI, "baseURL">, user: string): Promise<string> {
  const completion: any = await (await ask(mock, user)).json();
  return completion.choices?.[0].message.content ?? completion.error.message;
}
