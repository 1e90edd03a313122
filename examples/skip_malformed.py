"""Skip chunks that are not valid JSON, at which the client's own decoder raises an error."""

import json

from openai import OpenAI
from openai.types.chat import ChatCompletionChunk


def main() -> None:
    client = OpenAI()
    skip_count = 0
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
                skip_count += 1
                continue
            chunk = ChatCompletionChunk.model_validate(fields)
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    print(f"\nmalformed chunks skipped: {skip_count}")


if __name__ == "__main__":
    main()
