"""Azure OpenAI."""

from __future__ import annotations

import dataclasses
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
from openai_mockserver.dialects.realtime import (
    BETA_ITEMS,
    BETA_NAMES,
    BETA_PARTS,
    BETA_RESPONSE,
    OPENAI,
    RealtimeFormat,
    own,
)
from openai_mockserver.dialects.responses import ResponsesFormat
from openai_mockserver.dialects.template import parse
from openai_mockserver.dialects.variants import Variant

_PROMPT_RESULTS = json.dumps(PROMPT_SAFE, separators=(",", ":"))
_PROMPT_ERROR = json.dumps(PROMPT_HIT, separators=(",", ":"))
_AZURE = "choices,created,id,model,obfuscation?,object,service_tier?,system_fingerprint"
_AZURE_CHOICE = "content_filter_results={},delta,finish_reason,index,logprobs"
_AZURE_CALL = "tool_calls[function{arguments,name},id,index,type]"


def _azure(name: str, **differences: Any) -> Dialect:
    text_choice = "content_filter_results=$chunk_filter,delta,finish_reason,index,logprobs"
    return chat_dialect(
        name,
        **{
            "chunk": f"{_AZURE},usage=$null_usage_if_requested",
            "choice": _AZURE_CHOICE,
            "deltas": {
                "role": "content,refusal=$null_refusal,role",
                "role+call": f"content=null,refusal=$null_refusal,role,{_AZURE_CALL}",
                "call": _AZURE_CALL,
                "arguments": "tool_calls[function{arguments},index]",
                "function": "function_call{arguments,name}",
            },
            "chunks": {
                "usage": _AZURE.replace("model", "latency_checkpoint?,model") + ",usage",
                # It names no completion, as documented for the asynchronous filter.
                "filter": 'choices,created=0,id="",model="",object=""',
            },
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

_COPILOT_PREFACE = (
    'choices[],created=0,id="",model,prompt_filter_results=[{"content_filter_results":'
    f'{_PROMPT_RESULTS},"prompt_index":0}}]'
)

_RESPONSES = ResponsesFormat(
    extra_members={"content_filters": None},
    final_members={"content_filters": [PROMPT_FILTER, COMPLETION_FILTER]},
    cache_writes=False,
)

_VOICE_LIVE_VAD = {
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "create_response": True,
    "interrupt_response": True,
    "idle_timeout_ms": None,
    "speech_duration_ms": None,
    "end_of_utterance_detection": None,
    "auto_truncate": False,
    "appended_text_after_truncation": None,
}
_VOICE_LIVE = RealtimeFormat(
    names=BETA_NAMES,
    parts=BETA_PARTS,
    first=("event_id", "type"),
    items=BETA_ITEMS,
    response={
        **BETA_RESPONSE,
        "temperature": None,
    },
    session="flat",
    session_members=own(
        "id model modalities instructions voice input_audio_format output_audio_format "
        "input_audio_transcription input_audio_noise_reduction turn_detection tools tool_choice "
        "max_response_output_tokens expires_at object"
    )
    | {
        "input_audio_sampling_rate": 24000,
        "animation": None,
        "input_audio_echo_cancellation": None,
        "avatar": None,
        "output_audio_timestamp_types": None,
        "truncation_strategy": None,
        "include": None,
        "greeting": None,
        "handoff": None,
    },
    vad=_VOICE_LIVE_VAD,
    updated_vad={"prefix_padding_ms": 400, "silence_duration_ms": 500},
    usage={
        "input_token_details": own(
            "cached_tokens text_tokens audio_tokens image_tokens cached_tokens_details"
        )
    },
    transcription={"custom_speech": None, "phrase_list": None},
    empties_parts=True,
    has_obfuscation=False,
    checks_type=False,
    has_voice_objects=True,
    ids={"event": "event_{alnum22}", "call": "call_{alnum16}"},
)

_SGLANG = "choices,created,id,model,object,usage=null"
_SGLANG_DELTA = "reasoning_content=null@reasoning"


DIALECTS = (
    _azure(
        "azure",
        responses=_RESPONSES,
        realtime=dataclasses.replace(OPENAI, repeats_parts=True),
    ),
    # The Voice Live API, which speaks the Realtime API's beta.
    _azure("azure-voice-live", realtime=_VOICE_LIVE, mark=None),
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
    # DeepSeek's models, which SGLang serves.
    _azure(
        "azure-sglang",
        chunk=_SGLANG,
        choice="content_filter_results=$chunk_filter,delta,finish_reason,index,logprobs,"
        "matched_stop",
        choices={},
        deltas={
            "role": f"content=null,{_SGLANG_DELTA},role,tool_calls=null",
            "text": f"content,{_SGLANG_DELTA},role=null,tool_calls=null",
            "reasoning": "content=null,reasoning_content,role=null,tool_calls=null",
            "call": f"content=null,{_SGLANG_DELTA},role=null,"
            "tool_calls[function{arguments,name},id,index,type]",
            "arguments": f"content=null,{_SGLANG_DELTA},role=null,"
            "tool_calls[function{arguments,name=null},id=null,index,type]",
            "finish": f"content=null,{_SGLANG_DELTA},role=null,tool_calls=null",
        },
        chunks={"usage": "choices,created,id,model,object,usage"},
        usage="completion_tokens,prompt_tokens,total_tokens",
        finish="with",
        role="alone",
        calls="first",
        id="{hex32}",
        padding=None,
        mark=r'"matched_stop":[^}]*\}\],"created"',
        variants={"reasoning": Variant("deltas have reasoning_content: DeepSeek-R1")},
    ),
    # GitHub's gateway before Azure.
    chat_dialect(
        "copilot",
        "choices,created,id,model,system_fingerprint",
        "content_filter_results=$chunk_filter,delta,finish_reason?,index",
        {
            "role": "content=null,role",
            "role+text": "content,role",
            "call": "content=null,tool_calls[function{arguments,name},id,index,type]",
            "arguments": "content=null,tool_calls[function{arguments},index]",
            "role+call": "content=null,role,tool_calls[function{arguments,name},id,index,type]",
            "finish": "content=null",
        },
        {"finish": "choices,copilot_usage,created,id,model,system_fingerprint,usage"},
        usage="completion_tokens,completion_tokens_details{accepted_prediction_tokens,"
        "rejected_prediction_tokens},prompt_tokens,prompt_tokens_details{cached_tokens},"
        "reasoning_tokens=0,total_tokens",
        usage_chunk="never",
        role="with",
        id="chatcmpl-{openai}",
        fingerprint="fp_{hex10}",
        extra={"chunk_filter": {}},
        extra_steps=(ExtraStep(0, parse(_COPILOT_PREFACE)),),
        mark=r'"copilot_usage"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = (
    (r"/voice-live/(?P<path>realtime)", "azure-voice-live"),
    (r"/openai/deployments/(?P<model>[^/]+)/(?P<path>.+)", "azure"),
    (r"/openai/v1/(?P<path>.+)", "azure"),
    (r"/openai/(?P<path>.+)", "azure"),
)
