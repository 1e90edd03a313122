"""Alibaba's Model Studio, which is DashScope."""

from __future__ import annotations

from openai_mockserver.dialects.chat import CACHED_DETAILS, THREE_COUNTS, chat_dialect
from openai_mockserver.dialects.variants import Variant

_CHUNK = "model,id,choices,created,object,usage=null"
_OPENING = "model,id,created,object,usage=null,choices"
_OPENING_CHOICE = "logprobs=null,index,delta"
_CALL = "tool_calls[index,id,type,function{name,arguments}]"

_ALIBABA = "choices,object,usage=null,created,system_fingerprint,model,id"

DIALECTS = (
    # The servers in China: https://dashscope.aliyuncs.com/compatible-mode/v1.
    chat_dialect(
        "dashscope",
        _CHUNK,
        "delta,index,finish_reason?",
        {
            "role": 'content="",role',
            "role+call": f'content="",role,{_CALL}',
            "text": "content,role=null",
            "reasoning": "content=null,reasoning_content,role=null",
            "call": f'content="",{_CALL},role=null',
            "arguments": 'content="",tool_calls[index,id,type,function{name="",arguments}],'
            "role=null",
            "last arguments": 'tool_calls[function{arguments},index,id="",type],content=""',
            "finish": 'content=""@text-finish,role=null@text-finish',
        },
        {
            "role": _OPENING,
            "role+call": _OPENING,
            "usage": "model,id,choices,created,object,usage",
        },
        {"role": _OPENING_CHOICE, "role+call": _OPENING_CHOICE},
        usage=f"total_tokens,completion_tokens,prompt_tokens,{CACHED_DETAILS}",
        role="call",
        id="chatcmpl-{uuid}",
        content_type="text/event-stream;charset=UTF-8",
        headers=(
            ("server", "istio-envoy"),
            ("req-arrive-time", "{digits13}"),
            ("req-cost-time", "560"),
            ("resp-start-time", "{digits13}"),
            ("vary", "Origin"),
            ("x-dashscope-call-gateway", "true"),
            ("x-envoy-upstream-service-time", "560"),
            ("x-request-id", "{uuid}"),
        ),
        mark=r'^\{"model":"qwen[^"]*","id":"chatcmpl-',
        variants={
            "text-finish": Variant("the finish chunk has empty text, not an empty delta"),
            "role-finish": Variant(
                "the finish chunk repeats the role",
                {
                    "deltas": {"finish": 'role,content=""'},
                    "choices": {"finish": "delta,finish_reason,index"},
                },
            ),
        },
    ),
    # The servers elsewhere: https://dashscope-intl.aliyuncs.com/compatible-mode/v1.
    chat_dialect(
        "dashscope-intl",
        _ALIBABA,
        "delta,finish_reason,index,logprobs=null",
        {
            "role": "content=$empty_text_unless_reasoning,role,reasoning_content?",
            "role+call": f"content=null,{_CALL},role",
            "text": "content,reasoning_content=$null_if_reasoning",
            "first text": "content,reasoning_content=$null_if_reasoning",
            "reasoning": "content=null,reasoning_content",
            "first reasoning": "content=null,reasoning_content",
            "call": f"content=null,{_CALL}",
            "arguments": 'content=null,tool_calls[index,id="",type,function{arguments}]',
            "last arguments": 'content=null,tool_calls[function{arguments},index,id="",type]',
            "finish": 'content=""@!empty-finish,reasoning_content=$null_if_reasoning@!empty-finish',
        },
        {"usage": "choices,object,usage,created,system_fingerprint,model,id"},
        {
            "role": "delta,index,logprobs=null,finish_reason",
            "first text": "finish_reason,delta,index,logprobs=null",
            "first reasoning": "finish_reason,logprobs=null,delta,index",
            "finish": "finish_reason,delta,index,logprobs=null",
        },
        usage=f"{THREE_COUNTS},completion_tokens_details{{reasoning_tokens}},{CACHED_DETAILS}",
        role="call",
        calls="first",
        id="chatcmpl-{uuid}",
        mark=r'"object":"chat.completion.chunk","usage":null,"created":\d+,"system_fingerprint":null',
        variants={"empty-finish": Variant("the finish chunk has an empty delta: after calls")},
    ),
)

PATHS: tuple[tuple[str, str], ...] = ((r"/compatible-mode/v1/(?P<path>.+)", "dashscope"),)
