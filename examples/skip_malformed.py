"""Skip chunks that are not valid JSON, where the client's own decoding would give up."""

import json

from openai import OpenAI
from openai.types.chat import ChatCompletionChunk


def main() -> None:
    client = OpenAI()
    skipped = 0
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Greet the world."}],
        stream=True,
    ) as response:
        for line in response.iter_lines():
            data = line.removeprefix("data: ")
            if data == line:  # a blank line or a comment
                continue
            if data == "[DONE]":
                break
            try:
                fields = json.loads(data)
            except json.JSONDecodeError:
                skipped += 1
                continue
            chunk = ChatCompletionChunk.model_validate(fields)
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    print(f"\nmalformed chunks skipped: {skipped}")


if __name__ == "__main__":
    main()
