"""Vercel AI Gateway."""

from __future__ import annotations

from openai_mockserver.dialects.chat import (
    THREE_COUNTS,
    chat_dialect,
)
from openai_mockserver.dialects.json_style import Style

DIALECTS = (
    chat_dialect(
        "vercel",
        "id,object,created,model,choices,system_fingerprint",
        deltas={
            "role": "role",
            "text": "content,phase?",
            "reasoning": "reasoning,reasoning_details=$reasoning_details",
            "finish": "provider_metadata",
        },
        chunks={
            "finish": "id,object,created,model,choices,usage,system_fingerprint,service_tier?,"
            "generationId=$id",
        },
        usage=f"{THREE_COUNTS},cost=0,is_byok=false,prompt_tokens_details{{cached_tokens,audio_tokens,"
        "video_tokens=0},cost_details{upstream_inference_cost=0,upstream_inference_prompt_cost=0,"
        "upstream_inference_completions_cost=0},completion_tokens_details{reasoning_tokens,"
        "image_tokens=0},cache_creation_input_tokens=0,market_cost=0",
        usage_chunk="never",
        style=Style(floats="js"),
        id="gen_{ulid}",
        fingerprint="fp_{hex10}",
        extra={"choices.delta.provider_metadata": {"gateway": {"cost": "0"}}},
        mark=r'"provider_metadata"|^\{"id":"gen_[0-9A-Z]{26}"',
    ),
)

PATHS: tuple[tuple[str, str], ...] = ()
