"""Azure OpenAI."""

from __future__ import annotations

import json
from typing import Any

from openai_mockserver.dialects.chat import (
    chat_dialect,
)
from openai_mockserver.dialects.content_filter import (
    COMPLETION_FILTER,
    PROMPT_FILTER,
    PROMPT_HIT,
    PROMPT_SAFE,
    SAFE,
)
from openai_mockserver.dialects.dialect import Dialect, ExtraStep
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.dialects.template import parse

_PROMPT_RESULTS = json.dumps(PROMPT_SAFE, separators=(",", ":"))
_PROMPT_ERROR = json.dumps(PROMPT_HIT, separators=(",", ":"))
_AZURE = "choices,created,id,model,obfuscation?,object,service_tier?,system_fingerprint"
_AZURE_CHOICE = "content_filter_results={},delta,finish_reason,index,logprobs"
_AZURE_CALL = "tool_calls[function{arguments,name},id,index,type]"


def _azure(name: str, **differences: Any) -> Dialect:
    text_choice = "content_filter_results=$chunk_filter,delta,finish_reason,index,logprobs"
    return chat_dialect(
        name,
        f"{_AZURE},usage=$null_usage_if_requested",
        _AZURE_CHOICE,
        {
            "role": "content,refusal=$null_refusal,role",
            "role+call": f"content=null,refusal=$null_refusal,role,{_AZURE_CALL}",
            "call": _AZURE_CALL,
            "arguments": "tool_calls[function{arguments},index]",
            "function": "function_call{arguments,name}",
        },
        {
            "usage": _AZURE.replace("model", "latency_checkpoint?,model") + ",usage",
            # It names no completion, as documented for the asynchronous filter.
            "filter": 'choices,created=0,id="",model="",object=""',
        },
        **{
            "choices": {
                "text": text_choice,
                "refusal": text_choice,
                "finish": _AZURE_CHOICE.replace("={}", "=$choice_filter", 1),
            },
            "usage": "completion_tokens,completion_tokens_details{accepted_prediction_tokens,"
            "audio_tokens,reasoning_tokens,rejected_prediction_tokens},prompt_tokens,"
            "prompt_tokens_details{audio_tokens,cached_tokens},total_tokens",
            "body": "choices[content_filter_results=$choice_filter,finish_reason,index,logprobs,"
            "message{annotations,audio?,content,function_call?,reasoning_content?,refusal,role,"
            'tool_calls?}],created,id,model,object="chat.completion",prompt_filter_results='
            f'[{{"prompt_index":0,"content_filter_results":{_PROMPT_RESULTS}}}],system_fingerprint,'
            "usage",
            "errors": {
                # Errors of the gateway are shorter than errors of the model
                # (learn.microsoft.com/azure/ai-services/openai/concepts/content-filter).
                "401": parse("error{code=$status_text,message}"),
                "404": parse("error{code,message}"),
                "429": parse("error{code=$status_text,message}"),
                "content_filter": parse(
                    "error{message,type=null,param,code,status,innererror{"
                    f'code="ResponsibleAIPolicyViolation",content_filter_result={_PROMPT_ERROR}}}}}'
                ),
            },
            "role": "call",
            "id": "chatcmpl-{openai}",
            "padding": "obfuscation",
            "extra": {"chunk_filter": SAFE},
            "extra_steps": (ExtraStep(0, parse(_PREFACE)),),
            "content_type": "text/event-stream; charset=utf-8",
            "headers": (
                ("x-ratelimit-limit-requests", "10000"),
                ("x-ratelimit-limit-tokens", "2000000"),
                ("x-ratelimit-remaining-requests", "9999"),
                ("x-ratelimit-remaining-tokens", "1999989"),
                ("apim-request-id", "{uuid}"),
                ("x-request-id", "{uuid}"),
                ("x-ms-region", "East US"),
                ("x-ms-deployment-name", "{model}"),
                ("x-ms-rai-invoked", "true"),
                ("azureml-model-session", "d{digits18}"),
                ("x-accel-buffering", "no"),
                ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
                ("x-content-type-options", "nosniff"),
            ),
            "mark": r'"prompt_filter_results"|"content_filter_results"',
        }
        | differences,
    )


_PREFACE = (
    'choices[],created=0,id="",model="",object="",prompt_filter_results='
    f'[{{"prompt_index":0,"content_filter_results":{_PROMPT_RESULTS}}}]'
)

_RESPONSES = ResponsesFormat(
    extra_members={"content_filters": None},
    final_members={"content_filters": [PROMPT_FILTER, COMPLETION_FILTER]},
    cache_writes=False,
)

DIALECTS = (
    _azure(
        "azure",
        responses=_RESPONSES,
    ),
    # Asynchronous filter: text is sent unchecked, and the filter's results follow with offsets
    # (learn.microsoft.com/azure/ai-services/openai/concepts/content-streaming).
    _azure(
        "azure-async",
        choices={
            "filter": "content_filter_offsets{check_offset,start_offset,end_offset},"
            "content_filter_results=$chunk_filter,finish_reason,index",
            "finish": _AZURE_CHOICE.replace("={}", "=$choice_filter", 1),
        },
        mark="content_filter_offsets",
    ),
)

PATHS: tuple[tuple[str, str], ...] = (
    (r"/openai/deployments/(?P<model>[^/]+)/(?P<path>.+)", "azure"),
    (r"/openai/v1/(?P<path>.+)", "azure"),
    (r"/openai/(?P<path>.+)", "azure"),
)
