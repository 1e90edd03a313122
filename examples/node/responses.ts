// Stream a response with the Responses API, and say how it ended.

import OpenAI from "openai";

const client = new OpenAI(); // OPENAI_BASE_URL and OPENAI_API_KEY, as in production

const stream = client.responses.stream({
  model: "gpt-4o-mini",
  input: "Greet the world.",
});
stream.on("response.output_text.delta", (event) => {
  process.stdout.write(event.delta);
});

const response = await stream.finalResponse();
for (const item of response.output) {
  if (item.type === "function_call") console.log(`${item.name}(${item.arguments})`);
}
console.log(`\n${response.status}, ${response.usage?.total_tokens} tokens`);
