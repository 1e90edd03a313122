"""What a question asks for: its subject, the form of the answer, and its most telling words.

Rules of this file: a question is a function of its text, and only the beginning and the end of a
long text are read. English is analysed; in other languages a question is only quoted. The subject
must fit after "about", so it is a noun phrase ("the French Revolution"), a gerund ("renaming a
branch in git") or a noun with a clause ("the way a heat pump works"). If no pattern fits, there is
none, and an answer quotes the question instead: no subject is better than a wrong one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["FENCES", "NO_QUESTION", "Question", "read_question"]

HEAD, TAIL = 600, 400  # characters that are read of a long text
LONGEST = 80  # characters of a subject, and of a question that is quoted


class Question(NamedTuple):
    """What a text asks for.

    Args:
        quote: its main sentence, without the final mark; empty if it is too long to repeat.
        mark: the question mark at its end, as it is written; empty if there is none.
        about: its subject, which fits after "about"; empty if it is not known.
        task: what to do, as an infinitive ("rename a branch in git"); empty if that is not asked.
        is_deed: whether the subject is something to do.
        is_current: whether the answer changes from day to day.
        form: the form of the answer, such as ``list``, ``code`` or ``greeting``; empty for any.
        code: the programming language that the text names, as a Markdown fence says it.
        keywords: its most telling words, in their order.
        rest: what a form is made from: the text to say, or the number to count to.
        options: the two things that it compares.
    """

    quote: str = ""
    mark: str = ""
    about: str = ""
    task: str = ""
    is_deed: bool = False
    is_current: bool = False
    form: str = ""
    code: str = ""
    keywords: tuple[str, ...] = ()
    rest: str = ""
    options: tuple[str, str] | tuple[()] = ()


NO_QUESTION = Question()


def read_question(text: str) -> Question:
    """Return what a text asks for.

    >>> question = read_question("How do I rename my branch in git?")
    >>> question.about, question.task, question.code
    ('renaming your branch in git', 'rename your branch in git', 'bash')
    """
    return _read(text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}")


@lru_cache(maxsize=256)
def _read(text: str) -> Question:
    sentence, mark = _choose_sentence(text)
    words = re.findall(r"[a-z]+", text.lower())
    form, rest = _find_form(sentence, text, words)
    about, task = _find_subject(sentence)
    code = next((FENCES[word] for word in words if word in FENCES), "")
    return Question(
        quote=sentence if len(sentence) <= LONGEST else "",
        mark=mark,
        about=about,
        task=task,
        is_deed=bool(task or (form == "code" and about)),
        is_current=_CURRENT.search(sentence) is not None,
        form=form,
        code=code,
        keywords=_find_keywords(sentence) or _find_keywords(text),
        rest=rest,
        options=_find_options(sentence),
    )


def _split(words: str) -> frozenset[str]:
    return frozenset(words.split())


# The sentence that asks

_NOISE = re.compile(
    r"```.*?(?:```|\Z)|https?://\S+|[`*>|~\[\]{}<\\\x00-\x1f\x7f-\x9f]+"
    r"|(?<!\w)[_#]+|_+(?!\w)",
    re.S,
)
_SENTENCE = re.compile(r"[^.!?。？！؟…]+(?:\.(?=\S)[^.!?。？！؟…]+)*[.!?。？！؟…]*")


_MARK = re.compile(r"\s?[?？؟]\Z")


def _choose_sentence(text: str) -> tuple[str, str]:
    """Return the last question of a text, else its first sentence, and its question mark."""
    sentences = [found.strip() for found in _SENTENCE.findall(_NOISE.sub(" ", text))]
    sentences = [one for one in sentences if any(map(str.isalnum, one))]
    asking = [one for one in sentences if one.endswith(("?", "？", "؟"))]
    chosen = (asking[-1:] or sentences[:1] or [""])[0]
    if not asking and len(sentences) > 1 and _GREETING.fullmatch(chosen.rstrip(" .!,")):
        chosen = sentences[1]
    sentence = " ".join(chosen.split()).strip(" .!?。？！؟…,;:\"'“”«»()-")
    mark = _MARK.search(chosen)
    return sentence, mark[0] if mark else ""


# The form of the answer

_GREETING = re.compile(
    r"(?:hi|hello|hey|howdy|greetings|good (?:morning|afternoon|evening|day))"
    r"(?:[ ,]+(?:there|all|everyone|world|again|you|assistant|chatgpt))?",
    re.I,
)
_THANKS = re.compile(r"(?:many )?(?:thanks|thank you|thx|cheers)\b.{0,40}", re.I)
_SAY = re.compile(
    r"(?:(?:can|could|would|will) you )?(?:please )?"
    r"(?:say|repeat|(?:reply|respond|answer) (?:only |just )?with)(?: exactly| only| just)?:? (.+)",
    re.I,
)
_COUNT = re.compile(r"(?:please )?count (?:from (?:1|one) )?(?:up )?to (\w+)\b.*", re.I)

_FORM_WORDS = r"""
table      tables? (?:of|with|that|for|about|comparing)|(?:an?|as|in|into)(?: markdown)? table
json       (?:as|in|valid|into|a|some) json
poem       poems?|haikus?|limericks?|song lyrics|rhymes?
story      (?:bedtime |short )?stor(?:y|ies)|fairy tales?|tale about
joke       jokes?|something funny
dialogue   dialogue|conversation between|interview between
code       CODE_VERB\b.{0,30}\b(?:code|function|script|class|program|snippet|query|regex|method)
code       code (?:for|to|that|example|sample|block|snippet)
tasks      check-?list|to-?do list|packing list
steps      step[- ]by[- ]step|steps? (?:to|for)|instructions (?:for|to)
list       lists? of|list (?:the|all|some|your)|(?:make|write|give me|as|in) an? (?:\w+ )?list
list       bullets?|bullet points|ideas for|(?:top|best) \d+
list       \d+ (?:ideas|tips|ways|reasons|examples|things|names)
markdown   markdown|headings|essay|article|report on|outline|overview of|guide (?:to|for)|blog post
formulas   formulas?|equations?|latex
short      in one (?:word|sentence|line)|briefly|short answer|yes or no|be brief
""".replace("CODE_VERB", "(?:write|show|give|create|implement)")
"""Forms, and the words that ask for each. The first line that is found decides."""

_FORMS = tuple(
    (form, re.compile(rf"\b(?:{words})\b", re.I))
    for form, words in (line.split(None, 1) for line in _FORM_WORDS.strip().splitlines())
)


_FORM_HINTS = _split(
    """table tables json poem poems haiku haikus limerick limericks song rhyme rhymes story stories
    fairy tale tales joke jokes funny dialogue conversation interview code function script class
    program snippet query regex method check checklist list lists step steps instructions bullet
    bullets ideas top best tips ways reasons examples things names markdown headings essay article
    report outline overview guide blog formula formulas equation equations latex one briefly short
    yes brief"""
)
"""Words without one of which no form is asked for."""


def _find_form(sentence: str, text: str, words: list[str]) -> tuple[str, str]:
    """Return the form of the answer, and what it is made from."""
    if _GREETING.fullmatch(sentence):
        return "greeting", ""
    if _THANKS.fullmatch(sentence):
        return "thanks", ""
    if (speech := _SAY.fullmatch(sentence)) and len(speech[1]) <= LONGEST:
        return "say", speech[1].strip(" \"'“”")
    if (count := _COUNT.fullmatch(sentence)) and (limit := _read_number(count[1])):
        return "count", str(limit)
    if _FORM_HINTS.isdisjoint(words):
        return "", ""
    return next((form for form, pattern in _FORMS if pattern.search(text)), ""), ""


_NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _read_number(word: str) -> int:
    """Return a number up to 50; 0 if the word is none."""
    if word.lower() in _NUMBERS:
        return _NUMBERS.index(word.lower()) + 2
    return int(word) if re.fullmatch("[1-9]|[1-4][0-9]|50", word) else 0


FENCES = {
    word: fence
    for fence, words in {
        "python": "python pandas django flask pytest numpy",
        "javascript": "javascript js node react",
        "typescript": "typescript",
        "go": "golang",
        "rust": "rust cargo",
        "java": "java spring",
        "sql": "sql postgres sqlite mysql",
        "bash": "bash shell git docker linux npm",
        "html": "html",
        "css": "css",
        "yaml": "yaml kubernetes",
    }.items()
    for word in words.split()
}
"""Programming languages and tools, with the language of the code that shows them."""


# The subject

_CURRENT = re.compile(
    r"\b(?:weather|forecast|prices?|news|current|latest|scores?|traffic|what time is it)\b",
    re.I,
)
_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey)(?: there)?[,!]? |please |ok(?:ay)?,? |so,? |and |but |also,? |well,? "
    r"|(?:can|could|would|will) you (?:please |kindly |maybe )?|i(?:'d| would) like you to "
    r"|i (?:want|need) you to |(?:do you know|(?:can you )?tell me|i wonder|let me know) "
    r"(?=(?:how|what|why|when|where|who|which|if|whether)\b))+",
    re.I,
)
_POLITE_END = re.compile(
    r"(?:,? (?:please|thanks|thank you|for me|right now"
    r"|(?:to|for) (?:an? |my )?(?:[\w-]+ )?(?:child|children|kids?|beginners?|layman)"
    r"|like i'?m \w+|in (?:simple|plain|easy) (?:terms|words|english)))+$",
    re.I,
)

_RULES = r"""
task     (?:how|where|when) AUX ONE (.+)
task     (?:how|where|when) to (.+)
task     (?:what(?:'s| is| are)|tell me|explain|describe) (?:the |some )?(?:\w+ )?ways? to (.+)
task     (?:show|tell|teach|explain(?: to)?) (?:me|us) how to (.+)
task     (?:explain|describe) how to (.+)
task     (?:i|we) (?:want|need|would like|have|am trying|are trying) to (.+)
task     i'd like to (.+)
number   how many (.+?) (?:are|is) there( .+)?
time     what time is it (in .+)
clause   ((?:what|which|whom?)(?: [a-z]+)?) should (?:i|we) (.+)
state    (?:i feel|i'm feeling|i am feeling) (.+)
subject  who MADE (.+)
subject  (?:when|where|how) (?:is|are|was|were) ((?:the|an?|my|your|our) .+?) (?:MADE|born|held)
adjective why (is|are|was|were) ((?:the|my|your|our) [\w-]+) ([\w-]+)
subject  help (?:me|us) (?:with|(?:to )?understand) (.+)
task     help (?:me|us) (?:to )?(.+)
task     (?:should|can|may|must) (?:i|we) (.+)
task     is it (?:ok|possible|safe|wise|a good idea) to (.+)
subject  (?:tell|teach|GIVE|explain|read|list)\b.*? (?:about|on the topic of|regarding) (.+)
subject  (?:talk|write|speak|(?:what do you )?(?:know|think)) about (.+)
subject  any (?:tips|advice|ideas|thoughts) (?:about|on|for) (.+)
deed     (?:GIVE|implement)\b.*? (?:PROGRAM)\b.*? (?:that|which|to) (?:can )?(.+)
task     (?:GIVE)\b.*? (?:steps|instructions|guide|checklist|list) to (.+)
subject  (?:GIVE)\b.*? (?:PAPER|PROGRAM) (?:of|for|on|comparing|with) (.+)
subject  (?:give|show|recommend|suggest)(?: me| us)? (.+)
subject  EXPLAIN(?: to me| me| us)? (?!me\b|us\b|in )(.+)
subject  what(?:'s| is| are| was| were) (the differences? between .+)
work     how (does|do|did) (?!(?:you|i|we|it|they)\b)(.+?) (work|compare|begin|grow|form)
subject  what (?:does|do) (?!(?:you|i|we|it|they)\b)([\w'+#. -]+?) (?:mean|do|stand for)
subject  (?:how|what) about (.+)
subject  how (?:is|are|was) ((?:the |your |my )?(?:weather|traffic|situation|climate|food)\b.*)
subject  what(?:'s| is| are| was) (the [\w ]+?) like
subject  what(?:'s| is| are| was) (the [\w ]+?) like (?=(?:in|at|on|for|today|tomorrow|now)\b)(.+)
subject  (?:what|who|where|when)(?:'s| is| are| was| were) ((?:the|an?|my|your|our|some) .+)
subject  (?:what|who)(?:'s| is| are| was| were) (?!NO_NOUN\b)([\w'+#.-]+(?: [\w'+#.-]+){0,2})
subject  ((?:how|why|when|where|whether) (?!AUX\b|be\b|MEASURE\b)\w+ .+)
subject  ((?:the )?weather\b.*)
order    (.+)
"""
"""Patterns of a sentence, and what their groups are. The first that fits decides."""

_MACROS = {
    "AUX": "(?:do|does|did|is|are|was|were|can|could|should|would|might|must|will)",
    "ONE": "(?:i|we|you|one|people)",
    "GIVE": "give|show|suggest|write|make|create|draft|recommend",
    "PROGRAM": "function|script|program|code|query|method|class|snippet|test",
    "MADE": "(?:made|built|written|wrote|invented|discovered|founded|painted|composed|designed"
    "|created|directed|published|released|introduced|opened)",
    "PAPER": "list|table|ideas|tips|overview|summary|outline|examples?|guide|plan|checklist|poem",
    "EXPLAIN": "(?:explain|describe|define|discuss|summarize|compare|list|name|outline|review)",
    "NO_NOUN": "(?:wrong|happening|going|up|new|better|best|good|bad|there|so|not|it|this|that)",
    "MEASURE": "(?:much|many|long|old|far|tall|big|often|come|fast|hot|cold|high|deep|likely|well)",
}


def _compile_rule(line: str) -> tuple[str, re.Pattern[str]]:
    kind, pattern = line.split(None, 1)
    for name, words in _MACROS.items():
        pattern = re.sub(rf"\b{name}\b", lambda _, words=words: words, pattern)  # type: ignore[misc]
    return kind, re.compile(pattern, re.I)


_PATTERNS = tuple(map(_compile_rule, _RULES.strip().splitlines()))

_NO_SUBJECT = re.compile(
    r"[\"“”«»:;()/=|!]"
    r"|\b(?:it|this|that|these|those|them|he|she|they|following|below|above|something|anything)\b",
    re.I,
)
_ADVERBS = ("quickly", "easily", "safely", "properly", "correctly", "just", "also", "not")
_ORDERS = _split(
    """add analyze bake book boil build buy calculate cancel change choose clean clone compile
    compute configure connect convert cook copy create cut debug delete deploy design disable
    download draft draw edit email enable fill find fix format generate get grow implement import
    improve increase install invite join learn make manage measure merge migrate move open
    optimize order organize pack parse pay pick plan play prepare print proofread push read record
    reduce refactor remove rename repair replace reserve rewrite run save schedule search sell send
    set share solve sort split start stop store style submit teach test track train translate
    update upgrade upload use visit wash write"""
)


def _find_subject(sentence: str) -> tuple[str, str]:
    """Return the subject and the task, in the words of the one who answers."""
    sentence = _POLITE_END.sub("", _POLITE.sub("", sentence))
    for kind, pattern in _PATTERNS:
        found = pattern.fullmatch(sentence)
        if found is None:
            continue
        words = _turn_persons(" ".join(filter(None, found.groups())).rstrip(" ,"))
        if len(words) > LONGEST or not words or _NO_SUBJECT.search(words):
            return "", ""
        first, _, others = words.partition(" ")
        if first.lower() == "best" and others:
            first, _, others = others.partition(" ")
        if kind == "task" or (kind == "order" and others and first.lower() in _ORDERS):
            words = first[:1].lower() + first[1:] + (f" {others}" if others else "")
            return _to_gerund(words), words
        if kind == "deed":
            return _to_gerund(f"{_drop_s(first)} {others}".rstrip()), ""
        if kind == "work":
            does, _, rest = words.partition(" ")
            return f"the way {rest}{'s' if does.lower() == 'does' else ''}", ""
        if kind == "adjective":
            verb, article, noun, how = words.split(" ")
            return f"the reason why {article} {noun} {verb.lower()} {how}", ""
        if kind == "clause":
            what, _ = found.groups()
            return f"{what.lower()} to {words[len(what) + 1 :]}", ""
        if kind in _PREFIXES:
            return f"{_PREFIXES[kind]} {words}", ""
        return (_CLAUSES.sub(_name_clause, words), "") if kind == "subject" else ("", "")
    return "", ""


_PREFIXES = {"number": "the number of", "time": "the time", "state": "feeling"}
"""What the subject of a pattern begins with."""

_CLAUSES = re.compile("^(how|why) ", re.I)


def _name_clause(found: re.Match[str]) -> str:
    return "the way " if found[1].lower() == "how" else "the reason why "


_PERSONS = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "we": "you",
    "us": "you", "our": "your", "ours": "yours", "ourselves": "yourselves", "i'm": "you're",
    "i've": "you've", "am": "are", "you": "me", "your": "my", "yours": "mine",
    "yourself": "myself",
}  # fmt: skip
_PERSON = re.compile(r"(?<![\w'.-])(?:" + "|".join(_PERSONS) + r")(?![\w'.-])", re.I)


def _turn_persons(text: str) -> str:
    """Exchange you and me: "my cat" is "your cat" to the one who answers."""
    return _PERSON.sub(lambda found: _PERSONS[found[0].lower()], text)


def _drop_s(verb: str) -> str:
    """Return the infinitive of "parses" or "tries"."""
    if verb.endswith("ies"):
        return f"{verb[:-3]}y"
    if re.search(r"(?:ch|sh|ss|x|zz|o)es$", verb):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb


_DOUBLED = re.compile(
    r"[^aeiou]*[aeiou][bdgklmnprt]|qui[tz]|debug|commit|submit|begin|format", re.I
)


def _to_gerund(task: str) -> str:
    """Return "renaming a branch" for "rename a branch".

    >>> [_to_gerund(task) for task in ("set up a server", "lie", "agree and go", "quickly fix")]
    ['setting up a server', 'lying', 'agreeing and going', 'quickly fixing']
    """
    words = task.split(" ")
    at = 0
    while at < len(words) - 1 and words[at].lower() in _ADVERBS:
        at += 1
    words[at] = _add_ing(words[at])
    if len(words) > at + 2 and words[at + 1] in ("and", "or"):
        words[at + 2] = _add_ing(words[at + 2])
    return " ".join(words)


def _add_ing(verb: str) -> str:
    if not verb.isascii() or not verb.isalpha():
        return f"{verb}ing" if verb[-1:].isalpha() else verb
    if verb.endswith("ie"):
        return f"{verb[:-2]}ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and verb != "be":
        return f"{verb[:-1]}ing"
    return f"{verb}{verb[-1] if _DOUBLED.fullmatch(verb) else ''}ing"


# What it compares

_OPTIONS = re.compile(
    r"(?:.*\b(?:compare|comparing|between|prefer|choose|use|better,?|which is \w+,?) )?"
    r"((?:(?:an?|the) )?[\w+#.-]+(?: [\w+#.-]+)?) (?:vs\.?|versus|or|and|with|to) "
    r"((?:(?:an?|the) )?[\w+#.-]+(?: [\w+#.-]+)?)(?: (?:for|in|as|when|if|at)\b.*)?",
    re.I,
)
_COMPARES = re.compile(r"\b(?:compar\w+|difference|vs|versus|better|prefer)\b", re.I)


_TWO_SIDES = re.compile(r"\b(pros|advantages|benefits|strengths) (?:and|or) (\w+)\b", re.I)


def _find_options(sentence: str) -> tuple[str, str] | tuple[()]:
    if sides := _TWO_SIDES.search(sentence):
        return sides[1].capitalize(), sides[2].capitalize()
    found = _OPTIONS.fullmatch(sentence) if _COMPARES.search(sentence) else None
    return (found[1], found[2]) if found else ()


# Keywords

_COMMON = _split(
    """a about all also am an and any are as at be been but by can could did do does for from
    get give had has have hello help hey hi how i if in into is it its just know let like list
    make many me much my need no not of on one or our out please say should show so some something
    tell than
    thank thanks that the their them then there these they think this those to too up us use want
    was way we were what when where which who why will with would write yes you your explain
    describe summarize compare difference between best good better long short create mean work
    works table story poem joke words word sentence step steps example
    recommend suggest wrote feel examples saying today tomorrow what's that's it's i'm"""
)
_ADDRESS = re.compile(r"\S+@\S+")
_KEYWORD = re.compile(r"[^\W\d_][\w'+#-]*[\w+#]|[^\W\d_]")


def _find_keywords(sentence: str) -> tuple[str, ...]:
    words = dict.fromkeys(_KEYWORD.findall(_ADDRESS.sub(" ", sentence[:300])))
    if (first := next(iter(words), "").lower()) in _ORDERS and sentence.lower().startswith(first):
        words.pop(next(iter(words)))
    return tuple(word for word in words if len(word) < 30 and word.lower() not in _COMMON)[:6]
