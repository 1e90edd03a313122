"""DSPy: a prediction's field streamed, and a typed one by its JSON adapter."""

import os
from contextlib import aclosing

import dspy
from scenarios import run

dspy.configure(
    lm=dspy.LM(
        "openai/gpt-4o-mini",
        api_base=os.environ["OPENAI_BASE_URL"],
        cache=False,
    ),
    track_usage=True,
)
predict = dspy.Predict("question -> text")
stream_answer = dspy.streamify(
    predict,
    stream_listeners=[dspy.streaming.StreamListener("text", allow_reuse=True)],
    include_final_prediction_in_output_stream=False,
)


async def stream(prompt):
    async with aclosing(stream_answer(question=prompt)) as output:
        async for part in output:
            if isinstance(part, dspy.streaming.StreamResponse):
                yield part.chunk


def usage(prompt):
    (token_usage,) = predict(question=prompt).get_lm_usage().values()
    return {"input": token_usage["prompt_tokens"], "output": token_usage["completion_tokens"]}


def read_structured(prompt):
    with dspy.context(adapter=dspy.JSONAdapter()):
        reading = dspy.Predict("question -> city: str, celsius: int")(question=prompt)
    return {"city": reading.city, "celsius": reading.celsius}


run(stream, usage=usage, structured=read_structured)
