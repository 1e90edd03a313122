"""Report the tokens that an answer used, and the tokens per second."""

import time

from openai import OpenAI
from openai.types import CompletionUsage


def main() -> None:
    client = OpenAI()
    start = time.perf_counter()
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Greet the world."}],
        stream=True,
        stream_options={"include_usage": True},
    )
    usage: CompletionUsage | None = None
    for chunk in stream:
        if chunk.usage is not None:  # an extra chunk after the answer, without choices
            usage = chunk.usage
        elif chunk.choices:
            print(chunk.choices[0].delta.content or "", end="", flush=True)
    seconds = time.perf_counter() - start
    print()
    if usage is None:
        print("the server sent no usage")
        return
    print(f"prompt: {usage.prompt_tokens} tokens")
    print(f"answer: {usage.completion_tokens} tokens")
    print(f"speed: {usage.completion_tokens / seconds:.1f} tokens a second")


if __name__ == "__main__":
    main()
