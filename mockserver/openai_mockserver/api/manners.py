"""The manners of OpenAI's imitators: a table of layouts and habits.

Rules of this file: data. Each dialect says only where it differs from the default; the layouts are
those of WIRE.md §5 and Annex C in its own notation. What no recording shows is said to be so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from openai_mockserver.api import usage as usages
from openai_mockserver.api.dialects import Dialect
from openai_mockserver.api.ids import Aside
from openai_mockserver.api.layout import Style, parse
from openai_mockserver.script import Comment

__all__ = ["DELTAS", "DIALECTS", "UNKNOWN"]

DELTAS = {
    "role": "role,content",
    "text": "content",
    "reasoning": "reasoning_content",
    "refusal": "refusal",
    "call": "tool_calls[index,id,type,function{name,arguments}]",
    "arguments": "tool_calls[index,function{arguments}]",
    "function": "function_call{name,arguments}",
    "function arguments": "function_call{arguments}",
    "annotations": "annotations",
    "transcript": "audio{id?,transcript}",
    "sound": "audio{id?,data}",
    "expiry": "audio{expires_at}",
    "finish": "",
    "usage": None,
}
"""The deltas of each kind of chunk, unless a dialect says otherwise. None: it has no choices."""

CHUNK = "id,object,created,model,system_fingerprint?,choices"
CHOICE = "index,delta,logprobs,finish_reason"
BODY = (
    "id,object,created,model,choices[index,message{role,content,reasoning_content?,refusal?,"
    "tool_calls?,function_call?,annotations?,audio?},logprobs,finish_reason],usage,"
    "system_fingerprint?"
)
ERROR = "error{message,type,param,code}"


def _dialect(
    name: str,
    chunk: str = CHUNK,
    choice: str = CHOICE,
    deltas: Mapping[str, str | None] | None = None,
    chunks: Mapping[str, str] | None = None,
    choices: Mapping[str, str] | None = None,
    usage: str | None = None,
    body: str = BODY,
    error: str = ERROR,
    mark: str | None = None,
    **habits: Any,
) -> Dialect:
    """A dialect from its notations: ``choices`` and ``delta`` stand for what is within.

    Args:
        name: its name.
        chunk, choice: of every chunk, unless `chunks` and `choices` name its kind.
        deltas: of the kinds, where they are not those of `DELTAS`.
        chunks, choices: of single kinds.
        usage, body, error, mark: see `Dialect`.
        habits: the other fields of `Dialect`.
    """
    chunks, choices = chunks or {}, choices or {}
    kinds = DELTAS | dict(deltas or {})
    for kind, delta in [*kinds.items()]:
        if delta is not None and kind not in ("role", "finish", "usage") and "+" not in kind:
            kinds.setdefault(f"role+{kind}", delta if "role" in delta else f"role,{delta}")
            kinds.setdefault(f"{kind}+finish", delta)
    kinds |= dict.fromkeys(choices.keys() - kinds.keys(), "")

    def layout(kind: str, delta: str | None) -> Any:
        ends = kind.endswith("+finish")
        like = "finish" if ends else kind.removeprefix("role+")
        inner = "" if delta is None else choices.get(like, choice)
        inner = re.sub(r"\bdelta\b(?!\{)", f"delta{{{delta}}}", inner)
        outer = chunks.get(like, f"{chunk},usage" if kind == "usage" else chunk)
        return parse(re.sub(r"\bchoices\b(?!\.)", lambda _: f"choices[{inner}]", outer))

    layouts = {kind: layout(kind, delta) for kind, delta in kinds.items()}
    return Dialect(
        name,
        layouts,
        usages.OPENAI if usage is None else parse(usage),
        body=parse(body),
        error=parse(error),
        mark=None if mark is None else re.compile(mark),
        **habits,
    )


_SAFE = {
    "hate": {"filtered": False, "severity": "safe"},
    "self_harm": {"filtered": False, "severity": "safe"},
    "sexual": {"filtered": False, "severity": "safe"},
    "violence": {"filtered": False, "severity": "safe"},
}
_PROMPT_SAFE = (
    '{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":false,"filtered":false},'
    '"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},'
    '"violence":{"filtered":false,"severity":"safe"}}'
)
_AZURE = "choices,created,id,model,obfuscation?,object,service_tier?,system_fingerprint"
_AZURE_CHOICE = "content_filter_results={},delta,finish_reason,index,logprobs"
_AZURE_CALL = "tool_calls[function{arguments,name},id,index,type]"


def _azure(name: str, **differences: Any) -> Dialect:
    said = "content_filter_results=$checked,delta,finish_reason,index,logprobs"
    return _dialect(
        name,
        f"{_AZURE},usage=$no_usage",
        _AZURE_CHOICE,
        {
            "role": "content,refusal=$refusal_key,role",
            "role+call": f"content=null,refusal=$refusal_key,role,{_AZURE_CALL}",
            "call": _AZURE_CALL,
            "arguments": "tool_calls[function{arguments},index]",
            "function": "function_call{arguments,name}",
        },
        {"usage": _AZURE.replace("model", "latency_checkpoint?,model") + ",usage"},
        **{
            "choices": {
                "text": said,
                "refusal": said,
                "finish": _AZURE_CHOICE.replace("={}", "=$filtered", 1),
            },
            "usage": "completion_tokens,completion_tokens_details{accepted_prediction_tokens,"
            "audio_tokens,reasoning_tokens,rejected_prediction_tokens},prompt_tokens,"
            "prompt_tokens_details{audio_tokens,cached_tokens},total_tokens",
            "body": "choices[content_filter_results=$filtered,finish_reason,index,logprobs,"
            "message{annotations,audio?,content,function_call?,reasoning_content?,refusal,role,"
            'tool_calls?}],created,id,model,object="chat.completion",prompt_filter_results='
            f'[{{"prompt_index":0,"content_filter_results":{_PROMPT_SAFE}}}],system_fingerprint,'
            "usage",
            "errors": {
                # The gateway's are shorter than the model's
                # (learn.microsoft.com/azure/ai-services/openai/concepts/content-filter).
                "401": parse("error{code=$status_text,message}"),
                "404": parse("error{code,message}"),
                "429": parse("error{code=$status_text,message}"),
                "content_filter": parse(
                    "error{message,type=null,param,code,status,innererror{"
                    'code="ResponsibleAIPolicyViolation",content_filter_result='
                    '{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":false,'
                    '"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":'
                    '{"filtered":false,"severity":"safe"},"violence":{"filtered":true,'
                    '"severity":"medium"}}}}'
                ),
            },
            "role": "call",
            "id": "chatcmpl-{openai}",
            "padding": "obfuscation",
            "extra": {"checked": _SAFE},
            "asides": (Aside(0, parse(_PREFACE)),),
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
    f'[{{"prompt_index":0,"content_filter_results":{_PROMPT_SAFE}}}]'
)
_OPENROUTER = "id,object,created,model,provider,choices"
_EVERY = "role,content"
_CACHED = "prompt_tokens_details{cached_tokens}"
_THREE = "prompt_tokens,completion_tokens,total_tokens"
_XAI_CALL = "tool_calls[id,function{name,arguments},index,type]"
_NO_CACHE = ("cache-control", "no-cache")
_CLOUDFLARE = (("server", "cloudflare"), ("cf-cache-status", "DYNAMIC"), ("cf-ray", "{hex16}-SJC"))

_TABLE = (
    _azure("azure"),
    # Asynchronous filter: what is said comes unchecked, and the verdict later, with its offsets
    # (learn.microsoft.com/azure/ai-services/openai/concepts/content-streaming).
    _azure(
        "azure-async",
        choices={
            "checked": "content_filter_offsets{check_offset,start_offset,end_offset},"
            "content_filter_results=$checked,finish_reason,index",
            "finish": _AZURE_CHOICE.replace("={}", "=$filtered", 1),
        },
        mark="content_filter_offsets",
    ),
    _dialect(
        "openrouter",
        _OPENROUTER,
        "index,delta,finish_reason,native_finish_reason=$native_finish",
        {
            "role": 'content="",role',
            "text": "content,role",
            "reasoning": 'content="",role,reasoning,reasoning_details[type="reasoning.text",'
            'text=$piece,format="unknown",index=0]',
            "refusal": 'content="",role,refusal',
            "call": "content=null,role,tool_calls[index,id,type,function{name,arguments}]",
            "arguments": "content=null,role,tool_calls[index,function{arguments}]",
            "annotations": 'content="",role,annotations',
            "finish": 'content="",role',
            "usage": 'content="",role',
        },
        usage=f"{_THREE},cost=0,is_byok=false,prompt_tokens_details{{cached_tokens,"
        "cache_write_tokens=0,audio_tokens,video_tokens=0},cost_details{upstream_inference_cost=0,"
        "upstream_inference_prompt_cost=0,upstream_inference_completions_cost=0},"
        "completion_tokens_details{reasoning_tokens,image_tokens=0,audio_tokens}",
        usage_chunk="always",
        role="with",
        style=Style(floats="js"),
        id="gen-{created}-{alnum20}",
        extra={"provider": "OpenAI"},
        asides=(Aside(0, Comment("OPENROUTER PROCESSING")),) * 2,
        error="error{message,code=$status}",
        headers=(("access-control-allow-origin", "*"), _NO_CACHE, *_CLOUDFLARE),
        mark=r'"provider":"[^"]*","choices"',
    ),
    # The same until early 2026.
    _dialect(
        "openrouter-2025",
        "id,provider,model,object,created,choices,system_fingerprint?",
        "index,delta,finish_reason,native_finish_reason=$native_finish,logprobs",
        {
            "role": 'role,content=""',
            "text": "role,content,reasoning=$beside_reasoning,"
            "reasoning_details=$no_details_beside_reasoning",
            "reasoning": 'role,content="",reasoning,reasoning_details[type="reasoning.text",'
            'text=$piece,format="unknown",index=0]',
            "refusal": 'role,content="",refusal',
            "call": "role,content=null,tool_calls[index,id,type,function{name,arguments}]",
            "arguments": "role,content=null,tool_calls[index,type,function{arguments}]",
            "annotations": 'role,content="",annotations',
            "finish": 'role,content="",reasoning=$beside_reasoning,'
            "reasoning_details=$no_details_beside_reasoning",
            "usage": 'role,content=""',
        },
        {"usage": "id,provider,model,object,created,choices,usage"},
        {"usage": "index,delta,finish_reason=null,native_finish_reason=null,logprobs"},
        usage=f"{_THREE},cost=0,is_byok=false,prompt_tokens_details{{cached_tokens,audio_tokens}},"
        "cost_details{upstream_inference_cost=null,upstream_inference_prompt_cost=0,"
        "upstream_inference_completions_cost=0},completion_tokens_details{reasoning_tokens,"
        "image_tokens=0}",
        usage_chunk="always",
        role="with",
        style=Style(floats="js"),
        id="gen-{created}-{alnum20}",
        extra={"provider": "OpenAI"},
        asides=(Aside(0, Comment("OPENROUTER PROCESSING")),) * 2,
        error="error{message,code=$status}",
        headers=(("access-control-allow-origin", "*"), _NO_CACHE, *_CLOUDFLARE),
        mark=r'^\{"id":"gen-\d+-\w+","provider"',
    ),
    _dialect(
        "groq",
        "id,object,created,model,system_fingerprint,choices",
        deltas={
            "reasoning": "reasoning,channel?",
            "call": "tool_calls[id,type,function{name,arguments},index]",
        },
        chunks={
            "role": "id,object,created,model,system_fingerprint,choices,x_groq{id,seed?}",
            "finish": "id,object,created,model,system_fingerprint,choices,"
            "x_groq{id,usage=$usage},usage",
            "usage": "id,object,created,model,system_fingerprint,choices,usage,"
            'service_tier="on_demand"',
        },
        usage="queue_time=0.02,prompt_tokens,prompt_time=0.01,completion_tokens,"
        "completion_time=0.1,total_tokens,total_time=0.11",
        calls="whole",
        style=Style(html=True, floats="js"),
        fingerprint="fp_{hex10}",
        extra={"x_groq.id": "req_{ulid}"},
        error="error{message,type,code?}",
        error_event="error",
        headers=(
            _NO_CACHE,
            ("x-groq-region", "fra"),
            ("x-request-id", "req_{ulid}"),
            ("via", "1.1 google"),
            ("vary", "Origin"),
            *_CLOUDFLARE,
        ),
        mark=r'"x_groq"',
    ),
    _dialect(
        "deepseek",
        "id,object,created,model,system_fingerprint,choices,usage=$no_usage",
        deltas={
            "role": "role,content=$unless_reasoning,reasoning_content?",
            "text": "content,reasoning_content=$beside_reasoning",
            "reasoning": "content=null,reasoning_content",
            "finish": 'content="",reasoning_content=$beside_reasoning',
        },
        chunks={"finish": "id,object,created,model,system_fingerprint,choices,usage"},
        usage=f"{_THREE},{_CACHED},prompt_cache_hit_tokens=0,prompt_cache_miss_tokens=0",
        usage_chunk="never",
        id="{uuid}",
        fingerprint="fp_{hex10}_prod0820_fp8_kvcache_20260402",
        content_type="text/event-stream; charset=utf-8",
        headers=(_NO_CACHE, ("x-ds-trace-id", "{hex32}")),
        mark=r"_kvcache|_prod\d",
    ),
    _dialect(
        "mistral",
        "id,object,created,model,choices,p?",
        "index,delta,finish_reason",
        {
            "role": 'role,content=""',
            "reasoning": 'content[type="thinking",thinking[type="text",text=$piece],closed=true]',
            "call": "tool_calls[id,function{name,arguments},index]",
            "finish": 'content=""',
        },
        {
            "role": "id,object,created,model,choices",
            "finish": "id,object,created,model,choices,usage,p?",
        },
        usage=f"prompt_tokens,total_tokens,completion_tokens,{_CACHED}",
        usage_chunk="never",
        calls="whole",
        finish="with",
        id="{hex32}",
        padding="p",
        error='object="error",message,type,param,code,raw_status_code=$status',
        content_type="text/event-stream; charset=utf-8",
        headers=(("mistral-correlation-id", "{uuid}"), *_CLOUDFLARE),
        mark=r'"p":"a|^\{"id":"[0-9a-f]{32}","object":"chat.completion.chunk","created":\d+,'
        r'"model":"[^"]*","choices":\[\{"index":0,"delta":\{"role":"assistant","content":""\},'
        r'"finish_reason":null',
    ),
    _dialect(
        "xai",
        "id,object,created,model,choices,system_fingerprint,service_tier?",
        "index,delta",
        {
            "role": "role",
            "role+text": "content,role",
            "role+reasoning": "reasoning_content,role",
            "role+call": f"role,{_XAI_CALL}",
            "call": _XAI_CALL,
        },
        {"usage": "id,object,created,model,choices,usage,system_fingerprint,service_tier?"},
        {"finish": "index,delta,finish_reason"},
        usage=f"{_THREE},prompt_tokens_details{{text_tokens=0,audio_tokens,image_tokens=0,"
        "cached_tokens},completion_tokens_details{reasoning_tokens,audio_tokens,"
        "accepted_prediction_tokens,rejected_prediction_tokens},num_sources_used=0,"
        "cost_in_usd_ticks=0",
        usage_chunk="always",
        role="with",
        calls="whole",
        id="{uuid}",
        fingerprint="fp_{hex10}",
        error="code=$type,error=$message",
        headers=(_NO_CACHE, ("x-request-id", "{uuid}"), *_CLOUDFLARE),
        mark=r'"num_sources_used"|"model":"grok',
    ),
    _dialect(
        "together",
        "id,object,created,choices,model,usage=null",
        "index,text=$text,logprobs,finish_reason,seed=null,delta",
        {
            "role": 'token_id=0,role,content=""',
            "text": "token_id=0,role,content",
            "reasoning": 'token_id=0,role,content="",reasoning',
            "finish": 'token_id=0,role,content=""',
        },
        {"finish": "id,object,created,choices,model,usage"},
        usage=f"{_THREE},cached_tokens=0",
        usage_chunk="never",
        role="with",
        id="{alnum7}-{alnum6}-{hex16}",
        headers=_CLOUDFLARE,
        mark=r'"token_id"|^\{"id":"o[0-9A-Za-z]{6}-',
    ),
    # As documented: docs.fireworks.ai/api-reference/post-chatcompletions; never recorded.
    _dialect(
        "fireworks",
        "id,object,created,model,choices,usage=null",
        "index,delta,finish_reason,logprobs",
        {"role": "role"},
        {"finish": "id,object,created,model,choices,usage"},
        usage=f"prompt_tokens,total_tokens,completion_tokens,{_CACHED}",
        usage_chunk="never",
        calls="first",
        id="{uuid}",
        error='error{object="error",type,code,message}',
        headers=(("fireworks-server-processing-time", "0.1"),),
        mark=r'"accounts/fireworks',
    ),
    _dialect(
        "cerebras",
        "id,choices,created,model,system_fingerprint,object",
        "delta,index",
        {
            "role": "role",
            "reasoning": "reasoning",
            "call": "tool_calls[function{name,arguments},type,id,index]",
            "arguments": "tool_calls[function{arguments},type,index]",
        },
        {"finish": "id,choices,created,model,system_fingerprint,object,usage,time_info"},
        {"finish": "delta,finish_reason,index"},
        usage=f"{_THREE},{_CACHED}",
        usage_chunk="never",
        calls="first",
        done=False,
        style=Style(floats="python"),
        fingerprint="fp_{hex20}",
        extra={
            "time_info": {
                "queue_time": 0.0001,
                "prompt_time": 0.002,
                "completion_time": 0.04,
                "total_time": 0.05,
            }
        },
        error="message,type,param,code",
        headers=(("inference-id", "chatcmpl-{uuid}"), *_CLOUDFLARE),
        mark=r'^\{"id":"chatcmpl-[0-9a-f-]{36}","choices":\[\{"delta":\{"role"',
    ),
    _dialect(
        "perplexity",
        "id,model,created,usage=$running_usage,citations,search_results,object,choices",
        'index,message{role="assistant",content=$so_far},delta',
        {"text": _EVERY, "role": 'role,content=""', "finish": 'role,content=""'},
        {"finish": "id,model,created,usage,citations,search_results,object,choices"},
        {"finish": 'index,message{role="assistant",content=$so_far},delta,finish_reason'},
        usage=f'{_THREE},search_context_size="low",cost{{input_tokens_cost=0,output_tokens_cost=0,'
        "request_cost=0.005,total_cost=0.005}",
        usage_chunk="never",
        role="with",
        done=False,
        eol="\r\n",
        style=Style(floats="python"),
        id="{uuid}",
        extra={"citations": [], "search_results": []},
        error="error{message,type,code=$status}",
        content_type="text/event-stream; charset=utf-8",
        headers=_CLOUDFLARE,
        mark=r'"citations"|"search_results"',
    ),
    _dialect(
        "vllm",
        "id,object,created,model,choices",
        "index,delta,logprobs,finish_reason,token_ids=null",
        {
            "role": 'role,content=""',
            "reasoning": "reasoning",
            "call": "tool_calls[id,type,index,function{name,arguments}]",
        },
        {
            "role": "id,object,created,model,choices,prompt_token_ids=null,prompt_text=null",
            "usage": "id,object,created,model,choices,usage,system_fingerprint?",
        },
        {
            "role": CHOICE,
            "finish": "index,delta,logprobs,finish_reason,stop_reason=null,token_ids=null",
        },
        usage=f"prompt_tokens,total_tokens,completion_tokens,{_CACHED}",
        calls="first",
        id="chatcmpl-{hex16}",
        fingerprint="vllm-0.24.0-tp1-{hex8}",
        content_type="text/event-stream; charset=utf-8",
        headers=(("server", "uvicorn"),),
        mark=r'"prompt_token_ids"|"stop_reason"',
    ),
    # Its own delta keys as Azure passes them on (WIRE.md §5); order of sgl-project/sglang,
    # python/sglang/srt/entrypoints/openai/protocol.py.
    _dialect(
        "sglang",
        "id,object,created,model,choices,usage=null",
        "index,delta,logprobs,finish_reason,matched_stop=null",
        {
            "role": 'role,content="",reasoning_content=null,tool_calls=null',
            "text": "role=null,content,reasoning_content=null,tool_calls=null",
            "reasoning": "role=null,content=null,reasoning_content,tool_calls=null",
            "call": "role=null,content=null,reasoning_content=null,"
            "tool_calls[id,index,type,function{name,arguments}]",
            "arguments": "role=null,content=null,reasoning_content=null,"
            'tool_calls[id=null,index,type="function",function{name=null,arguments}]',
            "finish": "role=null,content=null,reasoning_content=null,tool_calls=null",
        },
        {"usage": "id,object,created,model,choices,usage"},
        usage="prompt_tokens,total_tokens,completion_tokens",
        calls="first",
        id="{hex32}",
        headers=(("server", "uvicorn"),),
        mark=r'"matched_stop"',
    ),
    _dialect(
        "llamacpp",
        "choices,created,id,model,system_fingerprint,object",
        "finish_reason,index,delta",
        {"role": "role,content=null"},
        {
            "usage": "choices,created,id,model,system_fingerprint,object,usage,timings",
        },
        usage="completion_tokens,prompt_tokens,total_tokens",
        usage_chunk="always",
        calls="first",
        style=Style(floats="python"),
        id="chatcmpl-{alnum32}",
        fingerprint="b7010-{hex9}",
        extra={
            "timings": {
                "cache_n": 0,
                "prompt_n": 16,
                "prompt_ms": 8.0,
                "prompt_per_token_ms": 0.5,
                "prompt_per_second": 2000.0,
                "predicted_n": 20,
                "predicted_ms": 160.0,
                "predicted_per_token_ms": 8.0,
                "predicted_per_second": 125.0,
            }
        },
        error="error{code=$status,message,type}",
        headers=(("server", "llama.cpp"), ("access-control-allow-origin", "")),
        mark=r'^\{"choices":\[\{"finish_reason":null,"index":0,"delta":',
    ),
    _dialect(
        "ollama-cloud",
        "id,object,created,model,system_fingerprint,choices",
        "index,delta,finish_reason",
        {
            "role": 'role,content=""',
            "role+text": _EVERY,
            "role+reasoning": 'role,content="",reasoning',
            "reasoning": 'content="",reasoning',
            "call": 'content="",tool_calls[id,index,type,function{name,arguments}]',
        },
        usage=_THREE,
        role="with",
        calls="whole",
        style=Style(html=True, floats="js"),
        id="chatcmpl-{digits3}",
        fingerprint="fp_ollama",
        mark=r'"fp_ollama","choices":\[\{"index":0,"delta":(\{"content":|\{\},"finish_reason":"\w)',
    ),
    _dialect(
        "ollama",
        "id,object,created,model,system_fingerprint,choices",
        "index,delta,finish_reason",
        {
            "role": 'role,content=""',
            "text": _EVERY,
            "reasoning": 'role,content="",reasoning',
            "call": 'role,content="",tool_calls[id,index,type,function{name,arguments}]',
            "finish": 'role,content=""',
        },
        usage=_THREE,
        role="with",
        calls="whole",
        style=Style(html=True, floats="js"),
        id="chatcmpl-{digits3}",
        fingerprint="fp_ollama",
        mark=r'"fp_ollama"',
    ),
    # As documented: lmstudio.ai/docs/app/api/endpoints/openai; never recorded.
    _dialect(
        "lmstudio",
        "id,object,created,model,system_fingerprint,choices",
        deltas={
            "role": 'role,content=""',
            "text": _EVERY,
            "reasoning": 'role,content="",reasoning_content',
        },
        usage=f"{_THREE},completion_tokens_details{{reasoning_tokens}}",
        role="with",
        id="chatcmpl-{alnum22}",
        fingerprint="{model}",
        error="error=$message",
        headers=(("x-powered-by", "Express"), _NO_CACHE),
    ),
    # As documented: ai.google.dev/gemini-api/docs/openai; never recorded.
    _dialect(
        "gemini",
        "choices,created,id,model,object",
        "delta,finish_reason?,index",
        {
            "role": "role",
            "text": "content,role",
            "reasoning": "content=$thought,role",
            "call": "role,tool_calls[function{arguments,name},id,type,index]",
        },
        {"finish": "choices,created,id,model,object,usage=$usage_if_asked"},
        usage="completion_tokens,prompt_tokens,total_tokens",
        usage_chunk="never",
        role="with",
        calls="whole",
        finish="with",
        id="{alnum22}",
        error='error{code=$status,message,status="INVALID_ARGUMENT"}',
        headers=(("server", "scaffolding on HTTPServer2"),),
    ),
    _dialect(
        "litellm",
        "id,created,model,object,choices,stream_options?",
        "index,delta",
        {"role": "role", "role+text": "content,role", "usage": ""},
        choices={"finish": "finish_reason,index,delta"},
        usage="completion_tokens,prompt_tokens,total_tokens,completion_tokens_details{"
        "accepted_prediction_tokens,audio_tokens,reasoning_tokens,rejected_prediction_tokens},"
        "prompt_tokens_details{audio_tokens,cached_tokens}",
        role="with",
        error="error{message,type,param,code=$status_text}",
        content_type="text/event-stream; charset=utf-8",
        headers=(("server", "uvicorn"), ("x-litellm-version", "1.80.0")),
        mark=r'"stream_options"',
    ),
    _dialect(
        "zai",
        "id,created,object,model,choices",
        "index,delta",
        {
            "role": 'role,content=""',
            "text": _EVERY,
            "reasoning": "role,reasoning_content",
            "call": "tool_calls[id,index,type,function{name,arguments}]",
            "finish": 'role,content=""',
        },
        {"finish": "id,created,object,model,choices,usage"},
        {"finish": "index,finish_reason,delta"},
        usage=f"{_THREE},{_CACHED},completion_tokens_details{{reasoning_tokens}}",
        usage_chunk="never",
        role="with",
        calls="whole",
        id="{date}{hex16}",
        error="error{code,message}",
        content_type="text/event-stream;charset=UTF-8",
        mark=r'^\{"id":"20\d{12}[0-9a-f]{16}"|"model":"glm',
    ),
    _dialect(
        "databricks",
        "model,choices,usage=$running_usage,object,id,created",
        "delta,index,finish_reason",
        {
            "role": _EVERY,
            "text": _EVERY,
            "call": "role,content=null,tool_calls[index,id,type,function{name,arguments}]",
            "arguments": "role,content=null,tool_calls[index,function{arguments}]",
            "finish": 'role,content=""',
        },
        {"finish": "model,choices,usage,object,id,created"},
        usage="cache_read_input_tokens=0,completion_tokens,prompt_tokens,total_tokens,"
        "cache_creation_input_tokens=0",
        usage_chunk="never",
        role="with",
        id="msg_bdrk_{alnum24}",
        mark=r'^\{"model":"[^"]*","choices":\[\{"delta":',
    ),
    _dialect(
        "cloudflare",
        "id,created,model,object,choices",
        "index,delta",
        {"role": "role", "role+text": "content"},
        {"finish": "id,object,created,model,choices,usage"},
        {"finish": "index,delta,finish_reason"},
        usage=_THREE,
        usage_chunk="never",
        role="with",
        id="id-{created}{digits3}",
        headers=_CLOUDFLARE,
        mark=r'^\{"id":"id-\d+"|"@cf/',
    ),
    _dialect(
        "snowflake",
        "choices,created=0,id,model,object,service_tier,system_fingerprint",
        'delta,index,logprobs={"content":null,"refusal":null}',
        {
            "role": 'content="",refusal="",role,tool_calls=null',
            "text": 'content,refusal="",role,tool_calls=null',
            "reasoning": 'content="",reasoning_details[format="anthropic-claude-v1",index=0,'
            'text=$piece,type="reasoning.text"],refusal="",role,tool_calls=null',
            "call": 'content="",refusal="",role,tool_calls[function{arguments,name},id,index,type]',
            "arguments": 'content="",refusal="",role,tool_calls[function{arguments},index]',
            "finish": 'content="",refusal="",role,tool_calls=null',
        },
        {"usage": "choices,created=0,id,model,object,service_tier,system_fingerprint,usage"},
        {"finish": 'delta,finish_reason?,index,logprobs={"content":null,"refusal":null}'},
        usage="completion_tokens,completion_tokens_details{accepted_prediction_tokens,audio_tokens,"
        "reasoning_tokens,rejected_prediction_tokens},prompt_tokens,prompt_tokens_details{"
        "audio_tokens,cached_tokens},total_tokens",
        usage_chunk="always",
        role="with",
        id="",
        fingerprint="",
        extra={"service_tier": ""},
        mark=r'"id":"","model":"[^"]*","object":"chat.completion.chunk","service_tier":""',
    ),
    _dialect(
        "writer",
        "id,object,choices,created,model,usage=null,system_fingerprint,service_tier=null",
        "index,finish_reason,message=$said,delta,logprobs,trace_details=null",
        {
            kind: f"content{'=null' if kind != 'text' else ''},role,"
            + {
                "call": "tool_calls[index,id,type,function{name,arguments=null}]",
                "arguments": "tool_calls[index,id=null,type=null,function{name=null,arguments}]",
            }.get(kind, "tool_calls=null")
            + ',graph_data={"sources":null,"status":null,"subqueries":null},llm_data=null,'
            "image_data=null,translation_data=null,web_search_data=null,"
            + ("refusal" if kind == "refusal" else "refusal=null")
            for kind in ("role", "text", "call", "arguments", "refusal", "finish")
        },
        {
            "usage": "id,object,choices,created,model,usage,system_fingerprint,service_tier=null",
        },
        usage="prompt_tokens,total_tokens,completion_tokens,prompt_token_details=null,"
        "completion_tokens_details=null",
        done=False,
        id="{uuid}",
        fingerprint="v1",
        mark=r'"graph_data"',
    ),
    _dialect(
        "vercel",
        "id,object,created,model,choices,system_fingerprint",
        deltas={
            "role": "role",
            "reasoning": 'reasoning,reasoning_details[type="reasoning.text",text=$piece,'
            'format="unknown",index=0]',
            "finish": "provider_metadata",
        },
        chunks={
            "finish": "id,object,created,model,choices,usage,system_fingerprint,service_tier?,"
            "generationId=$id",
        },
        usage=f"{_THREE},cost=0,is_byok=false,prompt_tokens_details{{cached_tokens,audio_tokens,"
        "video_tokens=0},cost_details{upstream_inference_cost=0,upstream_inference_prompt_cost=0,"
        "upstream_inference_completions_cost=0},completion_tokens_details{reasoning_tokens,"
        "image_tokens=0},cache_creation_input_tokens=0,market_cost=0",
        usage_chunk="never",
        style=Style(floats="js"),
        id="gen_{ulid}",
        fingerprint="fp_{hex10}",
        extra={"choices.delta.provider_metadata": {"gateway": {"cost": "0"}}},
        content_type="text/event-stream; charset=utf-8",
        mark=r'"provider_metadata"|^\{"id":"gen_[0-9A-Z]{26}"',
    ),
    _dialect(
        "huggingface",
        "id,object,created,model,choices",
        "delta,index,finish_reason",
        {"role": "role", "role+text": "content,role"},
        {
            "finish": "id,object,created,model,choices,system_fingerprint",
            "usage": "id,object,model,created,choices,usage",
        },
        usage=f"{_THREE},cached_tokens=0",
        role="with",
        id="{uuid}",
        fingerprint="fp1-rss-p1",
        mark=r'^\{"id":"[^"]*","object":"chat.completion.chunk","created":\d+,"model":"[^"]*",'
        r'"choices":\[\{"delta":',
    ),
)

UNKNOWN = _dialect("unknown")
"""What is like OpenAI's in its own way."""

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in _TABLE}
"""The dialects by name."""
