// The application: it streams an answer, and knows nothing about the mock.

import OpenAI from "openai";

/** Stream the answer to a question; each piece is shown as it arrives. */
export async function answer(question: string, show: (piece: string) => void): Promise<string> {
  const client = new OpenAI(); // OPENAI_BASE_URL and OPENAI_API_KEY, as in production
  const stream = await client.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: question }],
    stream: true,
  });
  let text = "";
  let isComplete = false;
  for await (const chunk of stream) {
    const choice = chunk.choices[0];
    const piece = choice?.delta.content ?? "";
    if (piece) show(piece);
    text += piece;
    isComplete ||= choice?.finish_reason === "stop";
  }
  if (!isComplete) throw new Error("the answer is incomplete");
  return text;
}
