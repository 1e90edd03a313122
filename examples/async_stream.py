"""Stream two answers concurrently with the asynchronous client."""

import asyncio

from openai import AsyncOpenAI


async def answer(client: AsyncOpenAI, question: str) -> str:
    stream = await client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": question}],
        stream=True,
    )
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    return "".join(pieces)


async def answer_all(*questions: str) -> None:
    async with AsyncOpenAI() as client:
        answers = await asyncio.gather(*(answer(client, question) for question in questions))
    for question, text in zip(questions, answers, strict=True):
        print(f"{question} {text}")


def main() -> None:
    asyncio.run(answer_all("Which is the largest planet?", "Which is the smallest planet?"))


if __name__ == "__main__":
    main()
