"""Show when an answer was cut short or withheld."""

from openai import OpenAI

NOTES = {
    "length": "[cut short: the answer reached its length limit]",
    "content_filter": "[withheld by the content filter]",
}


def main() -> None:
    client = OpenAI()
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Tell a story."}],
        max_completion_tokens=20,
        stream=True,
    )
    for chunk in stream:
        choice = chunk.choices[0]
        print(choice.delta.content or "", end="", flush=True)
        if choice.finish_reason in NOTES:
            print(f" {NOTES[choice.finish_reason]}", end="")
    print()


if __name__ == "__main__":
    main()
