// Print an answer piece by piece in TypeScript, then the reason it ended.

import OpenAI from "openai";

const client = new OpenAI(); // OPENAI_BASE_URL and OPENAI_API_KEY, as in production

const stream = await client.chat.completions.create({
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "Greet the world." }],
  stream: true,
});

let finishReason: string | null = null;
for await (const chunk of stream) {
  const choice = chunk.choices[0];
  process.stdout.write(choice?.delta.content ?? "");
  finishReason = choice?.finish_reason ?? finishReason;
}
console.log(`\nfinish reason: ${finishReason}`);
