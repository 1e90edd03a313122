"""Samples that generated text contains: identifiers, emoji, odd characters, formulas and code.

Rules of this file: data only. ‹a› and ‹b› become identifiers, and ‹n› becomes a number.
"""

from __future__ import annotations

__all__ = ["CODE", "EMOJI", "FORMULAS", "NAMES", "SIGNS"]

NAMES = (
    "user",
    "order",
    "total",
    "count",
    "items",
    "parse",
    "fetch_all",
    "load_config",
    "retry",
    "is_valid",
    "createdAt",
    "maxRetries",
    "_cache",
    "node",
    "result",
    "index",
    "response_id",
    "café",
    "naïve",
)

EMOJI = (
    "😀",
    "🎉",
    "✅",
    "🚀",
    "💡",
    "🔥",
    "❤️",
    "☺️",
    "⚠️",
    "👍🏽",
    "👋🏿",
    "🧑🏻‍💻",
    "👩🏾‍🚀",
    "👨‍👩‍👧‍👦",
    "👩‍❤️‍💋‍👨",
    "🧑🏽‍🤝‍🧑🏼",
    "🏳️‍🌈",
    "🏴‍☠️",
    "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "🇩🇪",
    "🇯🇵",
    "🇧🇷",
    "1️⃣",
    "#️⃣",
    "🐻‍❄️",
    "🫱🏻‍🫲🏿",
    "🧔🏽‍♀️",
    "🪿",
)
"""Emoji of one code point, and with variation selectors, skin tones, joiners, flags and keycaps."""

SIGNS = (
    "e\u0301",  # é of two code points
    "A\u030a\u0323",
    "Z\u0351\u036b\u0343a\u0334\u0361lgo\u0336",
    "\u1112\u1161\u11ab",  # 한 of three
    "क्\u200dष",
    "می\u200cخواهم",
    "ง\u0e49\u0e33",
    "ﬁ",
    "𝒳",
    "𠮷",
    "葛\U000e0100",
    "½ ≠ ½\u0338",
    "\u00a0\u2003\u3000|",
    "“„«»”",
    "co\u00adoperate",
    "a\u200bb",
)
"""Characters that programs cut, count or show wrongly if they take code points for characters."""

FORMULAS = (
    r"\int_0^{‹n›} x^2 \, dx = \frac{‹n›^3}{3}",
    r"e^{i\pi} + 1 = 0",
    r"\sum_{k=1}^{n} k = \frac{n(n+1)}{2} < ‹n›",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}^{-1} = \frac{1}{ad - bc} M",
    r"x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}",
    r"P(A \mid B) = \frac{P(B \mid A)\,P(A)}{P(B)} \approx 0.‹n›",
    r"\lim_{n \to \infty} \left(1 + \frac{1}{n}\right)^n = e",
    r"\nabla \cdot \mathbf{E} = \rho / \varepsilon_0 \quad \text{for } r \geq ‹n›",
)

CODE = {
    "python": '''def ‹a›(‹b›: list[str], limit: int = ‹n›) -> dict[str, int]:
    """Count what is there."""
    found = {}
    for at, one in enumerate(‹b›[:limit]):
        found[f"{one}\\t{at}"] = found.get(one, 0) + 1
    return found  # {'a': 1}''',
    "javascript": """export async function ‹a›(url, { ‹b› = ‹n›, ...rest } = {}) {
  const response = await fetch(`${url}/items?limit=${‹b›}`, rest);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()).map(({ id }) => id ?? null);
}""",
    "typescript": """type ‹a›<T> = { readonly [K in keyof T]?: T[K] | null };

export const ‹b› = (‹a›: string): number => ‹a›.split(/\\s+/u).length % ‹n›;""",
    "go": """func ‹a›(ctx context.Context, ‹b› []byte) (int, error) {
\tfor i := 0; i < len(‹b›); i++ {
\t\tif ‹b›[i] == '\\n' {
\t\t\treturn i, nil
\t\t}
\t}
\treturn ‹n›, fmt.Errorf("no line in %q", ‹b›)
}""",
    "rust": """fn ‹a›<'a>(‹b›: &'a [u8]) -> Result<&'a str, std::str::Utf8Error> {
    let end = ‹b›.len().min(‹n›);
    std::str::from_utf8(&‹b›[..end])
}""",
    "java": """public record ‹a›(String ‹b›, int count) {
    public boolean isLarge() {
        return count > ‹n› && !‹b›.isBlank();
    }
}""",
    "sql": """SELECT ‹a›, COUNT(*) AS "‹b›"
FROM orders
WHERE created_at >= '2025-01-01' AND note LIKE '%it''s%'
GROUP BY 1 HAVING COUNT(*) > ‹n›;""",
    "bash": """for ‹a› in "$@"; do
  grep -c -- '^data: ' "$‹a›" | awk '{ sum += $1 } END { print sum > ‹n› }'
done 2>/dev/null || exit 1""",
    "html": """<!doctype html>
<ul class="‹a›" data-‹b›="‹n›">
  <li>&lt;b&gt; &amp; &quot;quotes&quot;</li>
</ul>""",
    "css": """.‹a› > li:nth-child(2n + 1)::before {
  content: "\\201C";
  --‹b›: calc(100% - ‹n›px);
}""",
    "yaml": """‹a›:
  ‹b›: &default { retries: ‹n› }
  text: |
    first line

    last line""",
    "diff": """--- a/‹a›.py
+++ b/‹a›.py
@@ -1,2 +1,2 @@
-‹b› = ‹n›
+‹b› = "\\u00e9"
 print(‹b›)""",
    "": """data: {"‹a›": ‹n›}

data: [DONE]
event: ‹b›""",
}
"""Code by language, with quotes, braces, tabs and escapes. ‹a› and ‹b› become identifiers."""
