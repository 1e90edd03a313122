async function ask(user) {
  const response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer key" },
    body: JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: user }] }),
  });
  return response.json();
}

beforeEach(() => mockOpenAI.reply("Hello"));

test("passes", async () => {
  expect((await ask("Hi")).choices[0].message.content).toBe("Hello");
  expect(await mockOpenAI.calls()).toMatchObject([{ user: "Hi" }]);
});

test("has a sandbox of its own", async () => {
  expect(await mockOpenAI.calls()).toEqual([]);
});

test("fails at its end", async () => {
  await mockOpenAI.replaceRules([]);
  await ask("Good morning");
});

test.skip("is skipped", () => {});
test.todo("is missing");
